"""The folder of formats is the registry, and each shipped file is recognised."""

from pathlib import Path

import pytest

import sources
from schemas import cloudevents
from schemas.failures import Rejected

DATA = Path(__file__).parents[2] / "demo" / "data"

SHIPPED = {
    "nezha/front_service.csv": ("nezha", 12_960),
    "nezha/frontend-579b9bff58-t2dbm_metric.csv": ("nezha", 360),
    "cloudtrail/cloudtrail.ndjson": ("cloudtrail", 293),
    "authlog/auth.log": ("authlog", 165),
    "processing/recipe.json": ("processing", 480),
}


@pytest.mark.parametrize("file, expected", SHIPPED.items(), ids=SHIPPED)
def test_a_shipped_file_gives_good_events_in_time_order(file: str, expected: tuple[str, int]) -> None:
    """Recognised by its content, as many events as its README says, each with an id of its own."""
    source = sources.recognise(DATA / file)
    events = list(sources.read(DATA / file, source, 2017))
    assert (source.NAME, len(events)) == expected
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({(event.source, event.id) for event in events}) == len(events)
    for event in events:
        assert cloudevents.decode(cloudevents.encode(event)) == event


def test_the_readme_of_the_data_says_as_many_events() -> None:
    """The table that people read."""
    readme = (DATA / "README.md").read_text()
    for file, (_, count) in SHIPPED.items():
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{file}`")]
        assert f" {count:,} " in row


def test_every_format_describes_itself() -> None:
    """What ``--help`` and the reference show."""
    known = sources.formats()
    assert set(known) == {
        "authlog",
        "cloudtrail",
        "fhir",
        "focus",
        "nab",
        "ndjson",
        "nezha",
        "openlineage",
        "processing",
    }
    assert all(source.DESCRIPTION.endswith(".") for source in known.values())


def test_a_file_of_no_format_is_rejected_with_the_formats(tmp_path: Path) -> None:
    """The sentence says what to write instead."""
    file = tmp_path / "holiday.txt"
    file.write_text("sun and sea\n")
    with pytest.raises(Rejected, match=r"holiday\.txt: its format is not clear \(none of them\); name it: authlog, "):
        sources.recognise(file)
