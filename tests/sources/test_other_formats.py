"""NAB's series, our own NDJSON, and generated processing events."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from schemas import cloudevents
from schemas.events import metric, security
from schemas.failures import Rejected
from sources import Options, nab, ndjson, processing

RECIPE = b'{"generate": "processing", "seed": 7, "events": 600, "start": "2026-01-01T00:00:00Z", "seconds": 600}'


def test_a_nab_series_is_a_gauge_named_after_its_file() -> None:
    """Disorder stays as it is in the file."""
    lines = [b"timestamp,value\n", b"2014-02-14 14:30:00,0.132\n", b"2014-02-14 14:25:00,-1e3\n"]
    events = list(nab.events(lines, Options(name="ec2_cpu.csv")))
    assert [(event.data.name, event.data.value) for event in events] == [("ec2_cpu", 0.132), ("ec2_cpu", -1000.0)]
    assert events[0].time == datetime(2014, 2, 14, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("row", [b"2014-02-14 14:30:00", b"yesterday,1", b"2014-02-14 14:30:00,much"])
def test_a_row_that_is_none_is_named(row: bytes) -> None:
    """With its line."""
    with pytest.raises(Rejected, match="cpu, line 2: not a row"):
        list(nab.events([b"timestamp,value\n", row], Options(name="cpu")))


def test_our_own_events_come_back() -> None:
    """Empty lines are skipped."""
    lines = [json.dumps(metric.EXAMPLE).encode(), b"\n", json.dumps(security.EXAMPLE).encode()]
    assert list(ndjson.events(lines, Options())) == [cloudevents.decode(lines[0]), cloudevents.decode(lines[2])]


def test_a_line_that_is_no_event_is_named() -> None:
    """With its number and category."""
    with pytest.raises(Rejected, match=r"^malformed_json: mine, line 2: "):
        list(ndjson.events([json.dumps(metric.EXAMPLE).encode(), b"{"], Options(name="mine")))


def test_a_recipe_gives_the_same_events_again() -> None:
    """The same seed, the same events; another one, others."""
    first = list(processing.events([RECIPE], Options()))
    assert first == list(processing.events([RECIPE], Options()))
    assert first != list(processing.events([RECIPE.replace(b": 7", b": 8")], Options()))


def test_generated_events_spread_over_the_recipes_seconds() -> None:
    """In time order, one in each equal part."""
    events = list(processing.events([RECIPE], Options()))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert [int((event.time - start).total_seconds()) for event in events] == list(range(600))


def test_generated_acts_are_mostly_lawful_and_some_are_not() -> None:
    """Every act that is set happens, and objectionable ones are the smaller part."""
    events = [event.data for event in processing.events([RECIPE], Options())]
    services = Counter(data.service for data in events)
    assert set(services) == {act[1] for act in processing.ACTS}
    refused = sum(data.encrypted is False or data.consent is False for data in events)
    assert 0 < refused < len(events) / 10


@pytest.mark.parametrize("recipe", [b"{", b"{}", RECIPE.replace(b"600", b"0"), RECIPE.replace(b"seed", b"sead")])
def test_a_wrong_recipe_is_rejected(recipe: bytes) -> None:
    """A misspelt key must not be ignored."""
    with pytest.raises(Rejected, match=r"^file: not a recipe"):
        list(processing.events([recipe], Options(name="file")))
