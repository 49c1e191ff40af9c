"""What is exported to Prometheus is valid there, and burns as fast there as it does here."""

import random
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
import yaml

from schemas.slo import Calendar, Condition, NoData, Objective, Ratio, RatioSlices, Rolling, Slices, Source, Threshold
from streams.promql.memory import MemoryStorage
from streams.promql.values import NAME
from streams.slo.alerts import burning
from streams.slo.budget import Meter
from streams.slo.burnrates import shipped
from streams.slo.export import rules
from streams.slo.intake import Intake
from streams.slo.ledger import Ledger
from streams.slo.measures import measure_of
from streams.windows.panes import Cell, Kind, Series
from streams.windows.sketch import indexes
from tests.slo.objectives import PLACE, objective

MINUTES = 130
NOW = 125
"""The minute at which both are asked."""
FAST, SLOW = 0.1, 0.9
"""The two latencies that there are, in seconds."""


def source(*series: str) -> Source:
    return Source(series=series, place=PLACE)


CALENDAR = Calendar(unit="M", anchor="2024-01-01 00:00:00", zone="UTC")
MONTH = objective(window=Rolling(43_200), burn_rates="google")
CASES = [
    msgspec.structs.replace(MONTH, name="bad", target=Fraction(999, 1000)),
    msgspec.structs.replace(
        MONTH,
        name="good-of-several",
        minimum_events=10,
        indicator=Ratio(
            good=source('requests_total{outcome!="error"}', 'calls_total{outcome=~"o.*"}'),
            total=source("requests_total", "calls_total"),
        ),
    ),
    msgspec.structs.replace(
        MONTH,
        name="latency",
        target=Fraction(95, 100),
        indicator=Threshold(source=source('took_seconds{service="checkout"}'), op="lte", value=0.25),
    ),
    msgspec.structs.replace(MONTH, name="slices", method=Slices(minutes=5, op="gt", target=Fraction(9, 10))),
    msgspec.structs.replace(MONTH, name="ratios", method=RatioSlices(minutes=5)),
    msgspec.structs.replace(
        MONTH,
        name="throughput",
        indicator=Threshold(source=Source(query="sum(rate(requests_total[1m]))", place=PLACE), op="gte", value=3.2),
    ),
    msgspec.structs.replace(
        MONTH,
        name="buckets",
        indicator=Ratio(good=source('took_seconds_bucket{le="0.25"}'), total=source("took_seconds_count")),
    ),
]


def counted() -> dict[tuple[str, str], list[int]]:
    """Events by (name, outcome) and minute; errors come and go.

    Minutes are busy or quiet, nothing between: a rate over few samples is not the same in every version of Prometheus.
    """
    rng = random.Random(5)
    found: dict[tuple[str, str], list[int]] = {}
    for name in ("requests_total", "calls_total"):
        found[name, "ok"] = [rng.choice([rng.randint(20, 60), rng.randint(250, 400)]) for _ in range(MINUTES)]
        found[name, "error"] = [rng.choice([0, 0, 1, rng.randint(0, 60)]) for _ in range(MINUTES)]
    found["took_seconds", "fast"] = [rng.randint(10, 90) for _ in range(MINUTES)]
    found["took_seconds", "slow"] = [rng.randint(0, 9) for _ in range(MINUTES)]
    return found


def samples(per_minute: list[int]) -> list[int]:
    """A counter scraped every 15 s: what happens in a minute does so between its 15th and its 45th second."""
    value, found = 1_000_000, [1_000_000]
    for count in per_minute:
        half = count // 2
        found += [value, value + half, value + count, value + count]
        value += count
    return found


def scraped(events: dict[tuple[str, str], list[int]]) -> Iterator[tuple[str, list[int]]]:
    """The series as Prometheus has them."""
    for (name, outcome), per_minute in events.items():
        if name != "took_seconds":
            yield f'{name}{{service="checkout",outcome="{outcome}"}}', samples(per_minute)
    fast, slow = events["took_seconds", "fast"], events["took_seconds", "slow"]
    yield 'took_seconds_bucket{service="checkout",le="0.25"}', samples(fast)
    yield 'took_seconds_count{service="checkout"}', samples([a + b for a, b in zip(fast, slow, strict=True)])


def series(name: str, kind: Kind, **labels: str) -> Series:
    return Series(name, kind, tuple(sorted({"service": "checkout", **labels}.items())), 60_000)


def cell(count: int, slow: int = 0) -> Cell:
    """A pane of so many events; those of a histogram are fast but for ``slow``."""
    fast_index, slow_index = (int(index) for index in indexes(np.array([FAST, SLOW])))
    positive = {fast_index: count - slow, slow_index: slow}
    return Cell(count, float(count), FAST, SLOW, SLOW, 0, 0, positive, {})


def here(promise: Objective) -> Meter:
    """The objective as Tidewatch has it, from the same events."""
    ledger, intake, events = Ledger(measure_of(promise)), Intake(promise), counted()
    storage = MemoryStorage()
    for outcome in ("ok", "error"):
        kept = storage.series({NAME: "requests_total", "outcome": outcome, "service": "checkout"})
        for index, value in enumerate(samples(events["requests_total", outcome])):
            kept.append(index * 15_000, value)

    def took(taken: Series, minute: int, of: Cell) -> None:
        amount = intake.amount(taken)
        if amount is not None:
            ledger.add(minute, *amount(of))

    for minute in range(MINUTES):
        for (name, outcome), per_minute in events.items():
            if name != "took_seconds":
                took(series(name, "counter", outcome=outcome), minute, cell(per_minute[minute]))
        fast, slow = events["took_seconds", "fast"][minute], events["took_seconds", "slow"][minute]
        took(series("took_seconds", "histogram"), minute, cell(fast + slow, slow))
        answer = intake.ask(storage, (minute + 1) * 60_000) if intake.asks else None
        if answer is not None:
            ledger.add(minute, *answer)
    return Meter(promise, ledger, 0)


def run(promtool: str, *arguments: str) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts_of(meter: Meter) -> Iterator[dict[str, object]]:
    """Questions whether Prometheus alerts of an objective when Tidewatch does."""
    due = {alert.severity for alert in burning(meter, shipped("google").scaled(43_200), NOW)}
    for severity in ("page", "ticket"):
        of = f'objective="{meter.objective.name}",severity="{severity}",alertstate="firing"'
        expected = [{"labels": "{}", "value": int(severity in due)}]
        yield {"expr": f"count(ALERTS{{{of}}}) or vector(0)", "eval_time": f"{NOW}m", "exp_samples": expected}


@pytest.mark.promtool
def test_burn_rates_are_those_of_prometheus(promtool: str, tmp_path: Path) -> None:
    """Of each export, over four windows, to 1e-9, and both alert alike; the rules are evaluated by promtool."""
    asked = []
    for promise in CASES:
        meter = here(promise)
        for lookback, window in ((5, "5m"), (30, "30m"), (60, "1h"), (120, "2h")):
            burn = meter.burn_rate(NOW, lookback)
            assert burn is not None
            assert burn > 0 or lookback < 60, f"{promise.name} would burn over {window}"
            budget = float(1 - promise.target)
            recorded = f'slo:sli_error:ratio_rate{window}{{objective="{promise.name}"}}'
            expr = f"sum(abs({recorded} / {budget!r} - {float(burn)!r}) < bool 1e-9)"
            asked.append({"expr": expr, "eval_time": f"{NOW}m", "exp_samples": [{"labels": "{}", "value": 1}]})
        asked += alerts_of(meter)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules(CASES)), encoding="utf-8")
    inputs = [{"series": name, "values": " ".join(map(str, values))} for name, values in scraped(counted())]
    test = {"interval": "15s", "input_series": inputs, "promql_expr_test": asked}
    file = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(file), encoding="utf-8")

    run(promtool, "test", "rules", str(tmp_path / "test.yml"))


@pytest.mark.promtool
def test_everything_that_is_exported_is_valid(promtool: str, tmp_path: Path) -> None:
    condition = Condition(
        name="fast", severity="page", op="gte", threshold=Fraction(2), lookback_minutes=60, after_minutes=5, place=PLACE
    )
    more = [
        msgspec.structs.replace(MONTH, name="calendar", window=CALENDAR),
        msgspec.structs.replace(MONTH, name="single", burn_rates="", conditions=(condition,)),
        msgspec.structs.replace(MONTH, name="absent", no_data=NoData(means="breach"), labels={"a/b": "c", "1": "d"}),
        msgspec.structs.replace(MONTH, name='quoted "x"', window=Rolling(60)),
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules([*CASES, *more])), encoding="utf-8")

    run(promtool, "check", "rules", str(tmp_path / "rules.yml"))


def test_a_calendar_window_has_no_rules_for_its_period() -> None:
    promise = msgspec.structs.replace(MONTH, window=CALENDAR)

    names = [rule.get("record") for rule in rules([promise])["groups"][0]["rules"]]

    assert "slo:current_burn_rate:ratio" in names
    assert "slo:period_burn_rate:ratio" not in names


def test_alerts_of_both_kinds_are_exported() -> None:
    condition = Condition(
        name="fast", severity="page", op="lte", threshold=Fraction(2), lookback_minutes=60, after_minutes=5, place=PLACE
    )
    promise = msgspec.structs.replace(MONTH, conditions=(condition,), severities=("ticket",))

    alerts = [rule for rule in rules([promise])["groups"][0]["rules"] if "alert" in rule]

    found = [(alert["alert"], alert["labels"]["severity"]) for alert in alerts]
    assert found == [("BurnRate", "ticket"), ("fast", "page")]
    assert alerts[1]["expr"] == 'slo:sli_error:ratio_rate1h{objective="availability"} <= (2 * 0.01)'
    assert alerts[1]["for"] == "5m"
