"""A real day with labelled faults: its availability, and a page for every minute under 99.5 %, none for any other.

Of the 1,209 minutes of the file 22 are under 99.5 %: 15 follow a labelled fault, 7 have no label. The repository ships
the first two hours; TIDEWATCH_TEST_DATA names the directory of the whole file.
"""

import csv
import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.alert import Alert
from schemas.config import Config
from schemas.sla import Sla
from schemas.tables import COLUMNS
from sources import Options, nezha
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.ingest.ingest import Ingest
from streams.rules.engine import RuleEngine
from streams.slo.files import read_objectives
from streams.slo.ledger import UNIT
from streams.slo.promises import Promises
from streams.windows.deltas import Pulse
from streams.windows.shard import Shard
from streams.windows.tenant import Settings, Tenant
from streams.windows.watermark import Watermark
from tests.e2e.data import SHIPPED, whole

OBJECTIVES = Path(__file__).parents[2] / "demo" / "objectives.yml"
FILES = [
    (SHIPPED / "nezha" / "front_service.csv", SHIPPED / "nezha" / "faults.json"),
    *zip(whole("nezha/ob-2022-08-22/metric/front_service.csv"), whole("nezha/2022-08-22-fault_list.json"), strict=True),
]
SOURCE = Partition("metrics", 0)
GOOD_PERCENT = 99.5
SHOWS_WITHIN_MINUTES = 4
"""No fault of the file takes longer before its first minute under 99.5 %."""
MINUTE = 60_000


class Day:
    """What the file says, and what the objectives made of it."""

    def __init__(self, file: Path) -> None:
        with file.open() as lines:
            rows = list(csv.DictReader(lines))
        self.rates = {int(row["TimeStamp"]) // 60: float(row["SuccessRate(%)"]) for row in rows}
        self.bad = {minute for minute, rate in self.rates.items() if rate < GOOD_PERCENT}
        self.alerts: list[Alert] = []
        self.rows: dict[str, dict[Any, dict[str, Any]]] = {}
        self._replay(file)

    def _replay(self, file: Path) -> None:
        """A batch a minute, as it happens; then an hour of silence."""
        config, offset = Config(), 0
        ingest, shard = Ingest(config.windows, config.limits, judge), _shard()
        lines = file.read_bytes().splitlines(keepends=True)
        events = nezha.events(lines, Options(name=file.name))
        for _, found in groupby(events, lambda event: event.time.timestamp() // 60):
            values = [msgspec.json.encode(event) for event in found]
            batch = RecordBatch(SOURCE, range(offset, offset + len(values)), values, None, [0] * len(values), 1)
            folded = ingest(batch, 1_795_000_000_000, "a")
            for delta in folded.deltas:
                shard.merge(delta, offset)
            offset += len(values)
            self._pass(shard, folded.high_ms, offset)
        self._pass(shard, (max(self.rates) + 60) * MINUTE, offset + 1)

    def _pass(self, shard: Shard, until_ms: int, offset: int) -> None:
        shard.merge(Pulse(wall_ms=until_ms, seen=[(SOURCE, until_ms, until_ms)]), offset)
        output = shard.advance(1_000_000)
        self.alerts += output.alerts
        for table in ("objective_minutes", "objective_budgets"):
            for row in output.rows.get(table, []):
                named = dict(zip(COLUMNS[table], row, strict=True))
                self.rows.setdefault(table, {})[named["objective"], row[3] // MINUTE] = named

    def pages(self) -> list[tuple[int, int]]:
        """(the minute that it is about, and the next one that was good)."""
        minutes = [alert.changed_at_ms // MINUTE - 1 for alert in self.alerts if alert.labels["severity"] == "page"]
        return list(zip(minutes[::2], minutes[1::2], strict=True))

    def availability(self) -> Fraction:
        """Of all its requests, by hand: the file's rates are the smallest fractions with that value."""
        counts = [nezha.requests(rate) for rate in self.rates.values()]
        return Fraction(sum(good for good, _ in counts), sum(total for _, total in counts))


def _shard() -> Shard:
    found = read_objectives({"objectives.yml": OBJECTIVES.read_text(encoding="utf-8")})
    assert not found.problems
    settings = Settings((MINUTE,), 10 * MINUTE, 10_000, 500, Sla(), promises=Promises(found.objectives))
    return Shard(Watermark(500), 500, lambda name: Tenant(name, settings, RuleEngine([], name, 500)))


def shown(day: Day, faults: Path) -> Iterator[int]:
    """The first bad minute of each return or exception fault that shows."""
    for hour in json.loads(faults.read_text()).values():
        for fault in hour:
            if fault["inject_type"] in ("return", "exception"):
                injected = int(fault["inject_timestamp"]) // 60
                found = day.bad & set(range(injected, injected + SHOWS_WITHIN_MINUTES))
                yield from sorted(found)[:1]


@pytest.fixture(scope="module", params=FILES, ids=["shipped", "whole"][: len(FILES)])
def replayed(request: pytest.FixtureRequest) -> tuple[Day, Path]:
    file, faults = request.param
    return Day(file), faults


def test_every_minute_under_the_promise_is_reported_labelled_or_not(replayed: tuple[Day, Path]) -> None:
    day, _ = replayed
    minutes = {minute: row for (name, minute), row in day.rows["objective_minutes"].items() if name == "frontend-day"}

    assert set(minutes) == set(day.rates)
    under = {m for m, row in minutes.items() if (row["total"] - row["bad"]) / row["total"] * 100 < GOOD_PERCENT}
    assert under == day.bad
    for minute, rate in day.rates.items():
        good, total = nezha.requests(rate)
        assert (minutes[minute]["bad"], minutes[minute]["total"]) == ((total - good) * UNIT, total * UNIT)


def test_the_availability_of_the_day_is_that_of_the_file(replayed: tuple[Day, Path]) -> None:
    day, _ = replayed
    last = max(day.rates)
    budget = day.rows["objective_budgets"]["frontend-day", last + 1]
    assert budget["achieved"] == float(day.availability())
    of_minutes = day.rows["objective_budgets"]["frontend-minutes", last + 1]
    assert (of_minutes["bad"], of_minutes["total"]) == (len(day.bad), len(day.rates))
    assert of_minutes["missing_minutes"] == 0


def test_every_fault_that_shows_pages_when_its_first_bad_minute_is_over(replayed: tuple[Day, Path]) -> None:
    day, faults = replayed
    first = sorted(set(shown(day, faults)))
    assert len(first) >= 4 if len(day.rates) > 500 else first
    assert set(first) <= {began for began, _ in day.pages()}


def test_no_page_fires_in_any_other_minute(replayed: tuple[Day, Path]) -> None:
    day, _ = replayed
    paged = {minute for began, over in day.pages() for minute in range(began, over)}
    assert paged == day.bad
    assert {alert.rule for alert in day.alerts if alert.labels["severity"] == "page"} == {"BadMinute"}
