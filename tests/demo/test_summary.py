"""The object and the tables at the end of the demo."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from demo import stack
from demo.next_steps import next_steps
from demo.summary import Fired, Framework, Minute, ServiceLevel, Summary, fired, table
from schemas.failures import Rejected

AT = datetime(2026, 11, 22, 16, 8, 20, tzinfo=UTC)


def transition(state: str, minute: int, fingerprint: int = 1) -> dict[str, Any]:
    """A row of the history of alerts."""
    at = AT + timedelta(minutes=minute)
    return {
        "tenant": "default",
        "fingerprint": fingerprint,
        "rule": "SLABreach",
        "labels": {"service": f"s{fingerprint}"},
        "state": state,
        "changed_at": at,
    }


SUMMARY = Summary(
    published=12,
    raw_rows=10,
    dead_letters=2,
    windows=7,
    alerts_fired=1,
    alerts_resolved=1,
    sla={"Frontend": ServiceLevel(98.4, 120, 2, 670.0, 9, 1, Minute(AT, 49.586776859504134))},
    compliance={"gdpr": Framework(98.0, 100, 2), "soc2": Framework(None, 0, 0)},
    seconds=66.6,
    alerts=[Fired("SLABreach", {"service": "Frontend"}, AT, AT + timedelta(minutes=1))],
    dead_letters_by_reason={"malformed_json": 2},
    data="/somewhere",
)


def test_each_firing_is_matched_with_its_own_end() -> None:
    """The same alert may fire again, and another one in between."""
    history = [
        transition("pending", 0),
        transition("firing", 1),
        transition("firing", 2, fingerprint=2),
        transition("resolved", 3),
        transition("firing", 5),
    ]
    found = [(alert.labels["service"], alert.fired_at, alert.resolved_at) for alert in fired(history)]
    minute = timedelta(minutes=1)
    assert found == [("s1", AT + minute, AT + 3 * minute), ("s2", AT + 2 * minute, None), ("s1", AT + 5 * minute, None)]


@pytest.mark.parametrize("lost", [1, -1])
def test_a_lost_or_doubled_record_is_told(lost: int) -> None:
    """It decides the exit status, and stands in the tables."""
    assert SUMMARY.is_complete
    wrong = msgspec.structs.replace(SUMMARY, raw_rows=10 - lost)
    assert not wrong.is_complete
    assert "do not add up" in shown(wrong)
    assert "do not add up" not in shown(SUMMARY)


def test_the_tables_fit_80_columns() -> None:
    """With every number in full."""
    text = shown(SUMMARY)
    assert max(map(len, text.splitlines())) <= 80
    for part in ("98.400 %", "670 ms", "16:08 49.59 %", "1 / 9 min", "98.00 %", "SLABreach", "16:08:20", "2 malformed"):
        assert part in text
    assert "…" not in text


def test_next_steps_name_the_run_and_the_command() -> None:
    """So that they can be copied."""
    out = io.StringIO()
    Console(file=out, width=200).print(next_steps("/somewhere", ".venv/bin/tidewatch"))
    assert "export TIDEWATCH_CONFIG=/somewhere/tidewatch.toml\n" in out.getvalue()
    assert "  .venv/bin/tidewatch deadletters" in out.getvalue()


def test_a_run_begins_in_an_empty_directory(tmp_path: Path) -> None:
    """Offsets begin at 0 in every run: rows of an earlier one would be taken for its own."""
    assert stack.directory(tmp_path / "new") == tmp_path / "new"
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    with pytest.raises(Rejected, match=r"not empty.*--data"):
        stack.directory(tmp_path / "old")
    with pytest.raises(Rejected, match="--data"):
        stack.directory(tmp_path / "old" / "file")


def shown(summary: Summary) -> str:
    """The tables as text."""
    out = io.StringIO()
    Console(file=out, width=80).print(table(summary))
    return out.getvalue()
