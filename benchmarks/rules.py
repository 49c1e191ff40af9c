"""``make bench-rules``: processor time of one round of rule evaluations, a second of event time.

1,000 rules over 10,000 series of 100 services, evaluated every second by the tenant of a worker while values keep
coming. A round has to fit into half a core: 500 ms. The rows are a mix of all kinds of rules with ever fewer series
that change from one second to the next, and then each kind for itself.
"""

import argparse
import datetime
import gc
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks import machine, report
from schemas.sla import Sla
from streams.rules import RuleEngine, compile_rules
from streams.windows.panes import Cell, Series
from streams.windows.tenant import Settings, Tenant

SERVICES = 100
RULES = 1000
START_MS = 1_795_342_200_000
PANE_MS = 10_000
WARM_PANES = 30
"""Five minutes of history before the first round."""

KINDS = {
    "gauge above a threshold": 'queue_length{service="S"} > N',
    "rate above a threshold": 'rate(requests_total{service="S",code="500"}[5m]) > N',
    "increase, sum by": 'sum by (method) (increase(requests_total{service="S"}[5m])) > N',
    "ratio of sums": 'sum(rate(requests_total{service="S",code=~"5.."}[5m]))'
    ' / sum(rate(requests_total{service="S"}[5m])) > N',
    "ratio of sums, all services": "sum by (service) (rate(requests_total{code=~'5..'}[5m]))"
    " / sum by (service) (rate(requests_total[5m])) > N",
    "quantile of a histogram": "histogram_quantile(0.95, "
    'sum by (route, le) (rate(request_duration_seconds_bucket{service="S"}[5m]))) > N',
    "memory used of total, for 5m": 'memory_used_bytes{service="S"} / memory_total_bytes{service="S"} > N',
    "average of a gauge": 'avg_over_time(queue_length{service="S"}[2m]) > N',
    "absent": 'absent(queue_length{service="S",instance="N"})',
    "two conditions": 'queue_length{service="S"} > N and on (instance) memory_used_bytes{service="S"} > N',
}
"""S is replaced by a service, N by a threshold that is not reached, but for each tenth rule."""


class Rounds(msgspec.Struct, frozen=True):
    """Milliseconds of processor time of each round, by what was evaluated."""

    date: str
    machine: machine.Machine
    series: int
    rules: int
    rounds: dict[str, list[float]]


def rules_text(kinds: list[str]) -> str:
    """A file of :data:`RULES` rules, evenly of these kinds."""
    rules = []
    for number in range(RULES):
        threshold = "0.5" if number // len(kinds) % 10 == 0 else f"{1000 + number}e9"
        expression = kinds[number % len(kinds)].replace("S", f"s{number // len(kinds) % SERVICES:02}")
        rules.append(
            {
                "alert": f"Rule{number}",
                "expr": expression.replace("N", threshold),
                "for": "5m" if number % 2 else "0s",
                "labels": {"severity": "high"},
                "annotations": {"summary": "{{ $labels.service }} is at {{ $value | humanize }}"},
            }
        )
    return msgspec.json.encode({"groups": [{"name": "bench", "rules": rules}]}).decode()


def all_series() -> list[Series]:
    """Of each service 24 counters, 26 gauges, and two histograms that show as 25 series each: 100 series."""
    found = []
    for service in (("service", f"s{number:02}") for number in range(SERVICES)):
        for method in ("GET", "POST", "PUT", "DELETE"):
            for code in ("200", "201", "204", "404", "500", "503"):
                labels = (("code", code), ("method", method), service)
                found.append(Series("requests_total", "counter", labels, PANE_MS))
        for name, instances in (("queue_length", 10), ("memory_used_bytes", 8), ("memory_total_bytes", 8)):
            for instance in range(instances):
                found.append(Series(name, "gauge", (("instance", f"i{instance}"), service), PANE_MS))
        for route in ("/", "/cart"):
            found.append(Series("request_duration_seconds", "histogram", (("route", route), service), PANE_MS))
    return found


class Bench:
    """A tenant with its rules, and the clock of its events."""

    def __init__(self, kinds: list[str]) -> None:
        groups, problems = compile_rules(rules_text(kinds), "bench.json")
        assert not problems, problems
        settings = Settings((60_000,), 600_000, 200_000, 1000, Sla())
        self.tenant = Tenant("bench", settings, RuleEngine(groups, "bench"))
        self.series = all_series()
        self.now_ms = START_MS
        self.turn = 0
        for pane in range(WARM_PANES):
            self._feed(self.series, START_MS - (WARM_PANES - pane) * PANE_MS)

    def second(self, share: float) -> float:
        """Let a second pass in which this share of the series gets a value; gives the ms that its round takes."""
        self.now_ms += 1000
        count = round(len(self.series) * share)
        first, self.turn = self.turn, self.turn + count
        chosen = [self.series[at % len(self.series)] for at in range(first, first + count)]
        self._feed(chosen, self.now_ms // PANE_MS * PANE_MS)
        began = time.process_time()
        self.tenant.evaluate(self.now_ms, True)
        return (time.process_time() - began) * 1000

    def _feed(self, series: list[Series], start_ms: int) -> None:
        for number, each in enumerate(series):
            value = 1.0 + (number * 7 + start_ms // 1000) % 10
            buckets = {int(value * 10): 1} if each.kind == "histogram" else {}
            self.tenant.history.merge(each, start_ms, Cell(1, value, value, value, value, self.now_ms, 0, buckets))


def measured(rounds: int) -> Iterator[tuple[str, list[float]]]:
    """Each row of the table: what it is, and its rounds."""
    gc.set_threshold(50_000, 20, 100)  # as the worker does
    mix = list(KINDS.values())
    for share, text in ((1.0, "all series change"), (0.1, "a tenth of the series changes"), (0.0, "nothing comes")):
        yield f"mix, {text}", _rounds(mix, share, rounds)
    for name, kind in KINDS.items():
        yield f"{name}, all series change", _rounds([kind], 1.0, max(rounds // 2, 3))


def _rounds(kinds: list[str], share: float, rounds: int) -> list[float]:
    bench = Bench(kinds)
    gc.collect()
    bench.second(share)
    return [bench.second(share) for _ in range(rounds)]


def table(result: Rounds) -> str:
    """Median and longest round of each row."""
    rows = [
        f"| {name} | {statistics.median(times):,.1f} | {max(times):,.1f} |" for name, times in result.rounds.items()
    ]
    title = f"{result.date}, {result.machine.cpu}: {result.rules:,} rules, {result.series:,} series, a round a second"
    return "\n".join([title, "", "| rules | CPU ms a round | longest |", "|---|---|---|", *rows])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-rules", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    given, _ = parser.parse_known_args()  # `make bench` passes on what is meant for its other half, too
    result = Rounds(datetime.date.today().isoformat(), machine.this(), 10_000, RULES, dict(measured(given.rounds)))
    print(table(result))
    report.RESULTS.mkdir(exist_ok=True)
    path = report.RESULTS / f"rules-{result.date}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
