"""What measures the ingest path measures what it says: the same events, all recognised, and the right figures."""

from pathlib import Path

import msgspec
import pytest

from benchmarks import events, fetched, guard, machine, report, steps
from schemas.config import Limits, Windows
from schemas.events import MetricEvent
from streams.compliance import judge
from streams.ingest.ingest import Ingest

EVENTS = 4_000


@pytest.fixture(scope="module")
def records() -> list[bytes]:
    return [record for chunk in events.chunks(EVENTS) for record in chunk.records]


@pytest.mark.parametrize("codec", steps.CODECS.values(), ids=list(steps.CODECS))
def test_what_is_fetched_without_a_broker_is_what_was_published(codec: int) -> None:
    published = fetched.partitions(EVENTS)

    batches = fetched.unpacked(fetched.fetches([fetched.wire(each, codec) for each in published]))

    for number, expected in enumerate(published):
        values = [value for batch in batches if batch.partition.number == number for value in batch.values]
        assert values == expected


def test_every_step_runs_on_a_few_events(tmp_path: Path) -> None:
    made = steps.steps(40_000, tmp_path)

    found = steps.measured(made, 40_000, rounds=1)

    assert list(found) == [name for name, _ in made]
    assert {*steps.PATH, steps.CEILING} <= found.keys()


def test_the_guard_measures_records_that_are_recognised_and_such_as_are_not(records: list[bytes]) -> None:
    ingest = Ingest(Windows(sizes=[10]), Limits(), judge)
    for round_ in range(2):
        unknown = guard.from_anywhere(records, round_)
        assert len(set(unknown)) == len(records)
        assert all(msgspec.json.decode(record, type=MetricEvent) for record in unknown[:100])
    assert ingest.recogniser.learned_share > 0


def test_the_guard_has_a_baseline_for_all_it_measures_and_a_bound() -> None:
    baseline = msgspec.json.decode((Path(guard.__file__).parent / "guard.json").read_bytes(), type=dict[str, float])

    assert guard.slower({name: value * guard.BOUND * 0.99 for name, value in baseline.items()}, baseline) == []
    assert guard.slower({name: value * guard.BOUND * 1.01 for name, value in baseline.items()}, baseline) == [
        "recognised",
        "decoded",
        "judged",
    ]


def test_the_path_is_compared_with_the_ceiling_round_by_round() -> None:
    rounds = {"unpack": [1.0, 2.0, 1.0], "ingest": [1.0, 2.0, 1.0], "ceiling": [3.0, 8.0, 4.0]}
    measured = report.Steps("2026-11-22", machine.this(), rounds, ["unpack", "ingest"], "ceiling")

    sentence = report.ceiling_sentence(measured)

    assert "it is 2.00 µs an event, of which 1.00 + 1.00 (unpack, ingest)" in sentence
    assert "takes 4.00 µs: 2.00 [1.50 – 2.00] times as much" in sentence


def test_the_docstring_of_the_hot_path_gets_the_figures_and_keeps_the_rest() -> None:
    source = '"""Words.\n\nby ``make bench-steps``:\n\n    9.99  old\n"""\n\nx = """y\n"""\n'

    filled = report.docstring(source)

    assert "9.99" not in filled
    assert filled.startswith('"""Words.\n\nby ``make bench-steps``:\n\n')
    assert filled.endswith('\n"""\n\nx = """y\n"""\n')
    assert report.docstring(filled) == filled
