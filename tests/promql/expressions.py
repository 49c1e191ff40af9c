"""Random series and expressions of the shapes that rules in the wild have, from a seed."""

import random

SAMPLES = 120


def series(rng: random.Random) -> dict[str, str]:
    """Input series in test notation: counters (with resets and gaps), gauges, and a classic histogram."""
    found: dict[str, str] = {}
    for job in ("api", "db"):
        for instance in ("a", "b", "c"):
            labels = f'job="{job}", instance="{instance}"'
            for code in ("200", "500"):
                found[f'requests_total{{{labels}, code="{code}"}}'] = _counter(rng, 10_000, 400)
            found[f"load{{{labels}}}"] = " ".join(_gauge(rng) for _ in range(SAMPLES))
            found[f"limit{{{labels}}}"] = f"{rng.randint(1, 9)}x{SAMPLES}"
            found[f"up{{{labels}}}"] = " ".join(rng.choice("1110") for _ in range(SAMPLES))
        found[f'info{{job="{job}", version="{rng.randint(1, 3)}.0"}}'] = f"1x{SAMPLES}"
        total = [0.0] * SAMPLES
        for bound in ("0.1", "0.5", "1", "5", "+Inf"):
            total = [before + more for before, more in zip(total, _steps(rng), strict=True)]
            values = " ".join(str(5000 + round(value)) for value in total)
            found[f'latency_seconds_bucket{{job="{job}", le="{bound}"}}'] = values
    return found


def _counter(rng: random.Random, start: int, most: int) -> str:
    value, values = start, []
    for _ in range(SAMPLES):
        value = value + rng.randint(0, most) if rng.random() > 0.01 else start
        values.append("_" if rng.random() < 0.05 else str(value))
    return " ".join(values)


def _gauge(rng: random.Random) -> str:
    return rng.choice(["_", "0"]) if rng.random() < 0.05 else f"{rng.uniform(-5, 20):.3f}"


def _steps(rng: random.Random) -> list[float]:
    value, values = 0.0, []
    for _ in range(SAMPLES):
        value += rng.randint(0, 20)
        values.append(value)
    return values


class Expressions:
    """A stream of random expressions."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def vector(self, depth: int = 3) -> str:
        """An expression that gives an instant vector."""
        if depth == 0 or self._rng.random() < 0.1:
            return self._selector()
        shapes = [
            self._over_range,
            self._over_range,
            self._aggregation,
            self._aggregation,
            self._arithmetic,
            self._comparison,
            self._set_operation,
            self._matched,
            self._function,
            self._quantile,
            self._with_label,
            self._absence,
            self._subquery,
        ]
        return self._rng.choice(shapes)(depth - 1)

    def _pick(self, *choices: str) -> str:
        return self._rng.choice(choices)

    def _matchers(self) -> str:
        return self._pick(
            "",
            '{job="api"}',
            '{job=~"api|db", instance!="c"}',
            '{instance=~"[ab]"}',
            '{job!~"d.*"}',
            '{missing=""}',
            '{job="none"}',
        )

    def _name(self) -> str:
        return self._pick("load", "limit", "up", "requests_total")

    def _selector(self) -> str:
        return self._name() + self._matchers() + self._pick("", "", "", " offset 2m")

    def _range(self) -> str:
        return self._pick("[1m]", "[2m30s]", "[5m]", "[10m]") + self._pick("", "", " offset 3m")

    def _over_range(self, depth: int) -> str:
        if self._rng.random() < 0.5:
            function = self._pick("rate", "increase", "irate", "resets", "changes")
            return f"{function}(requests_total{self._matchers()}{self._range()})"
        functions = ["avg", "sum", "min", "max", "count", "stddev", "stdvar", "last", "present"]
        function = self._pick(*(f"{name}_over_time" for name in functions), "delta", "idelta", "deriv")
        name = self._pick("load", "up")
        if self._rng.random() < 0.1:
            return f"quantile_over_time(0.{self._rng.randint(1, 9)}, {name}{self._range()})"
        if self._rng.random() < 0.1:
            return f"predict_linear({name}{self._range()}, {self._rng.randint(1, 600)})"
        return f"{function}({name}{self._matchers()}{self._range()})"

    def _subquery(self, depth: int) -> str:
        function = self._pick("max_over_time", "min_over_time", "avg_over_time", "count_over_time", "sum_over_time")
        inner = self.vector(min(depth, 1))
        if ":" in inner:  # the steps of the outer one would fall on the ends of the inner one's ranges
            inner = self._selector()
        return f"{function}(({inner})[{self._pick('5m', '8m30s')}:{self._pick('', '45s', '1m')}])"

    def _grouping(self) -> str:
        return self._pick("", "by (job)", "by (job, instance)", "by (missing)", "without (instance)", "without (code)")

    def _aggregation(self, depth: int) -> str:
        operator = self._pick("sum", "avg", "min", "max", "count", "stddev", "stdvar", "group", "quantile")
        parameter = f"0.{self._rng.randint(0, 9)}, " if operator == "quantile" else ""
        return f"{operator} {self._grouping()} ({parameter}{self.vector(depth)})"

    def _arithmetic(self, depth: int) -> str:
        operator = self._pick("+", "-", "*", "/", "%")
        number = self._pick("2", "100", "0.5", "1e3", "60", "time()")
        left, right = self.vector(depth), number
        return f"({left}) {operator} {right}" if self._rng.random() < 0.7 else f"{right} {operator} ({left})"

    def _comparison(self, depth: int) -> str:
        operator = self._pick(">", "<", ">=", "<=", "==", "!=")
        number = self._pick("0", "1", "5", "10.5")
        return f"({self.vector(depth)}) {operator} {self._pick('', '', 'bool ')}{number}"

    def _set_operation(self, depth: int) -> str:
        operator = self._pick("and", "or", "unless")
        matching = self._pick("", "on (job)", "ignoring (code)", "on (job, instance)")
        return f"({self.vector(depth)}) {operator} {matching} ({self.vector(depth)})"

    def _matched(self, depth: int) -> str:
        operator = self._pick("+", "-", "*", "/", ">", "<=", "> bool")
        many = f"sum by (job, instance) ({self.vector(depth)})"
        if self._rng.random() < 0.3:
            return f"({many}) * on (job) group_left (version) info"
        if self._rng.random() < 0.3:
            return f"sum by (job) ({self.vector(depth)}) {operator} on (job) group_right () ({many})"
        return f"({many}) {operator} {self._pick('', 'on (job, instance)', 'ignoring (code)')} (limit)"

    def _function(self, depth: int) -> str:
        inner = self.vector(depth)
        plain = self._pick("abs", "ceil", "floor", "sqrt", "exp", "ln", "log2", "sgn", "round", "sort", "-")
        return self._pick(
            f"{plain}({inner})",
            f"clamp_min({inner}, 1)",
            f"clamp_max({inner}, 3)",
            f"clamp({inner}, -1, 2)",
            f"round({inner}, 0.25)",
            f"vector(scalar({inner}))",
            f"timestamp({self._selector()})",
        )

    def _quantile(self, depth: int) -> str:
        by = self._pick("by (le)", "by (job, le)", "without (instance)")
        buckets = f"sum {by} (rate(latency_seconds_bucket[{self._pick('2m', '5m', '10m')}]))"
        return f"histogram_quantile(0.{self._pick('5', '9', '99', '05')}, {buckets})"

    def _with_label(self, depth: int) -> str:
        inner = self.vector(depth)
        if self._rng.random() < 0.5:
            return f'label_replace({inner}, "host", "$1-x", "instance", "(.).*")'
        return f'label_join({inner}, "where", "/", "job", "instance")'

    def _absence(self, depth: int) -> str:
        return self._pick(
            f"absent({self._selector()})",
            'absent(missing{job="x", a=~"b"})',
            f"absent_over_time(missing{self._range()})",
            f"absent({self.vector(depth)})",
        )
