"""Aggregation operators: ``sum by (job) (...)``, ``topk(3, ...)`` and the rest."""

import math
from collections.abc import Callable, Iterable, Iterator

from schemas.failures import Rejected
from streams.promql.arithmetic import NAN, exact_sum, float_text, mean, quantile
from streams.promql.moment import Key, Moment, Selection
from streams.promql.node import Node, scalar_of, text_of, vector_of
from streams.promql.values import NAME, Kind, Labels, Sample, Vector

Groups = dict[Labels, Vector]


class Grouping:
    """``by (...)`` or ``without (...)``."""

    def __init__(self, names: Iterable[str], without: bool) -> None:
        self._names = frozenset(names) | ({NAME} if without else set())
        self._without = without
        self.key = (self._names, without)

    def with_label(self, name: str) -> "Grouping":
        """The same, the label kept in any case unless ``without`` names it."""
        return self if self._without else Grouping(self._names | {name}, False)

    def labels(self, labels: Labels) -> Labels:
        """The labels of the group that a sample belongs to."""
        return labels.drop(self._names) if self._without else labels.keep(self._names)

    def split(self, vector: Vector) -> Groups:
        """The samples by group, groups in order of first appearance."""
        groups: Groups = {}
        for sample in vector:
            key = self.labels(sample.labels)
            group = groups.get(key)
            if group is None:
                groups[key] = [sample]
            else:
                group.append(sample)
        return groups


class Aggregation:
    """One aggregation operator over a vector; ``parameter`` is the first argument of those that have one."""

    kind: Kind = "vector"

    def __init__(self, name: str, operand: Node, parameter: Node | None, grouping: Grouping, position: str) -> None:
        self.operand = operand
        self.parameter = parameter
        self.grouping = grouping
        self.position = position
        self.key = Key(name, (operand.key, parameter.key if parameter else None, grouping.key))
        self._aggregate = AGGREGATORS[name]

    def evaluate(self, moment: Moment) -> Vector:
        return self._aggregate(self, vector_of(self.operand, moment), moment)

    def selections(self) -> Iterator[Selection]:
        yield from self.operand.selections()
        if self.parameter is not None:
            yield from self.parameter.selections()

    def number(self, moment: Moment) -> float:
        """The parameter of an operator that takes a number."""
        assert self.parameter is not None
        return scalar_of(self.parameter, moment)


Aggregator = Callable[[Aggregation, Vector, Moment], Vector]


def _reduced(reduce: Callable[[list[float]], float]) -> Aggregator:
    """One value a group."""

    def aggregate(node: Aggregation, vector: Vector, moment: Moment) -> Vector:
        return _reduce_groups(node.grouping.split(vector), reduce)

    return aggregate


def _reduce_groups(groups: Groups, reduce: Callable[[list[float]], float]) -> Vector:
    return [
        Sample(labels, reduce([sample.value for sample in group]), any(sample.drop_name for sample in group))
        for labels, group in groups.items()
    ]


def _largest(values: list[float]) -> float:
    return max((value for value in values if value == value), default=NAN)


def _smallest(values: list[float]) -> float:
    return min((value for value in values if value == value), default=NAN)


def _variance(values: list[float]) -> float:
    """Welford's method; NaN when the first value is not finite, as Prometheus has it."""
    if not math.isfinite(values[0]):
        return NAN
    average, squares = values[0], 0.0
    for count, value in enumerate(values[1:], start=2):
        delta = value - average
        average += delta / count
        squares += delta * (value - average)
    return squares / len(values)


def _quantile(node: Aggregation, vector: Vector, moment: Moment) -> Vector:
    share = node.number(moment)
    if not 0 <= share <= 1 and node.parameter is not None:
        moment.warn(f"quantile value should be between 0 and 1, got {_go_g(share)}", node.parameter.position)
    return _reduce_groups(node.grouping.split(vector), lambda values: quantile(share, values))


def _go_g(value: float) -> str:
    return float_text(value) if value != value or value in (math.inf, -math.inf) else f"{value:g}"


def _ranked(largest_first: bool) -> Aggregator:
    """``topk`` and ``bottomk``: the samples themselves, the best first; NaN is worst."""

    def worth(sample: Sample) -> tuple[bool, float]:
        value = sample.value
        return (value != value, (-value if largest_first else value) if value == value else 0.0)

    def aggregate(node: Aggregation, vector: Vector, moment: Moment) -> Vector:
        count = node.number(moment)
        if count != count:
            raise Rejected("Parameter value is NaN")
        if abs(count) >= 2.0**63:
            raise Rejected(f"Scalar value {count:g} overflows int64")
        keep = int(min(count, len(vector)))
        if keep < 1:
            return []
        groups = node.grouping.split(vector).values()
        return [sample for group in groups for sample in sorted(group, key=worth)[:keep]]

    return aggregate


def _count_values(node: Aggregation, vector: Vector, moment: Moment) -> Vector:
    assert node.parameter is not None
    name = text_of(node.parameter, moment)
    grouping = node.grouping.with_label(name)
    counts: dict[Labels, float] = {}
    for sample in vector:
        key = grouping.labels(sample.labels.changed([(name, float_text(sample.value))]))
        counts[key] = counts.get(key, 0.0) + 1.0
    return [Sample(labels, count) for labels, count in counts.items()]


AGGREGATORS: dict[str, Aggregator] = {
    "avg": _reduced(mean),
    "bottomk": _ranked(largest_first=False),
    "count": _reduced(lambda values: float(len(values))),
    "count_values": _count_values,
    "group": _reduced(lambda values: 1.0),
    "max": _reduced(_largest),
    "min": _reduced(_smallest),
    "quantile": _quantile,
    "stddev": _reduced(lambda values: math.sqrt(_variance(values))),
    "stdvar": _reduced(_variance),
    "sum": _reduced(exact_sum),
    "topk": _ranked(largest_first=True),
}
"""The operators by name. ``limitk`` and ``limit_ratio`` are experimental in Prometheus and not supported."""
