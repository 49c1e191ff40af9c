"""Who is told when, while nobody takes an alert up; who is not, when somebody does."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.climbing import (
    Told,
    acknowledged,
    critical,
    identity,
    labels_of,
    resent,
    resolved,
)
from tests.alerts.examples import NOW, alert

MINUTE = 60


def climbing() -> Told:
    """A critical alert fires at second 0."""
    told = Told()
    told.put(critical())
    return told


def test_a_critical_alert_climbs_at_once_after_5_and_after_15_minutes() -> None:
    assert climbing().until(3600).steps == [(1, "on-call"), (5 * MINUTE + 1, "manager"), (15 * MINUTE + 1, "vp")]


def test_each_later_step_is_told_by_a_copy_and_the_earlier_ones_go_on() -> None:
    told = climbing().until(16 * MINUTE)
    tell = told.put(resent(critical()))
    assert labels_of(tell) == ["", "manager", "vp"]
    assert {each.state for each in tell} == {"firing"}
    assert tell[1].annotations == critical().annotations


def test_when_it_is_over_every_step_is_told() -> None:
    told = climbing().until(6 * MINUTE)
    tell = told.put(resolved(critical(), told.now_ms))
    assert [(each.state, step) for each, step in zip(tell, labels_of(tell), strict=True)] == [
        ("resolved", ""),
        ("resolved", "manager"),
    ]
    assert [step for _, step in told.until(3600).steps] == ["on-call", "manager"]
    assert len(told.state) == 0


def test_one_that_fires_again_begins_at_the_bottom() -> None:
    told = climbing().until(6 * MINUTE)
    told.put(resolved(critical(), told.now_ms))
    again = critical(changed_at_ms=told.now_ms + 1000)
    assert labels_of(told.put(again)) == [""]
    assert [step for _, step in told.until(3600).steps[2:]] == ["on-call", "manager", "vp"]


@pytest.mark.parametrize("reason", ["silenced", "inhibited"])
def test_one_that_is_muted_waits_and_goes_on_where_it_was(reason: str) -> None:
    """Muted from minute 4 to 20: the manager is told when nobody has had it in hand for five minutes in all."""
    told = climbing().until(4 * MINUTE)
    told.muted = {identity(critical()): reason}  # type: ignore[dict-item]
    told.until(20 * MINUTE)
    assert [step for _, step in told.steps] == ["on-call"]
    told.muted = {}
    told.until(2 * 3600)
    assert told.reasons == [(4 * MINUTE + 1, reason), (20 * MINUTE + 1, "released")]
    assert told.steps[1:] == [(21 * MINUTE + 1, "manager"), (31 * MINUTE + 1, "vp")]


def test_one_that_is_acknowledged_climbs_no_more() -> None:
    told = climbing().until(4 * MINUTE)
    told.put(acknowledged(critical(), told.now_ms))
    assert [step for _, step in told.until(24 * 3600).steps] == ["on-call"]
    assert labels_of(told.put(resolved(critical(), told.now_ms))) == [""]


def test_an_acknowledgement_for_a_time_ends_with_it() -> None:
    told = climbing().until(4 * MINUTE)
    told.put(acknowledged(critical(), told.now_ms, told.now_ms + 30 * MINUTE * 1000))
    assert told.until(3 * 3600).steps[1:] == [(35 * MINUTE + 1, "manager"), (45 * MINUTE + 1, "vp")]


def test_an_acknowledgement_of_an_earlier_time_holds_nothing_back() -> None:
    """It is in the history all the same."""
    told = climbing().until(10)
    told.put(acknowledged(critical(changed_at_ms=NOW - 5000), told.now_ms))
    assert told.reasons == [(10, "acknowledged")]
    assert [step for _, step in told.until(3600).steps] == ["on-call", "manager", "vp"]


def test_a_late_step_does_not_hasten_those_after_it() -> None:
    """A worker that was away for an hour wakes the manager, and not the vice president in the same minute."""
    told = climbing().until(30)
    told.second = 3600
    told.put(resent(critical()))
    told.until(2 * 3600)
    assert told.steps[1:] == [(3601, "manager"), (3601 + 10 * MINUTE, "vp")]


def test_one_that_is_no_longer_stated_climbs_no_more() -> None:
    """Its rule was deleted: nobody resolves it, and Alertmanager lets go of it after four missed repetitions."""
    told = climbing().until(30)
    told.firing.clear()
    assert [step for _, step in told.until(3600).steps] == ["on-call"]
    told.until(25 * 3600)
    assert len(told.state) == 0


@pytest.mark.parametrize(
    ("labels", "steps"),
    [
        ({"severity": "medium"}, [(3600, "lead")]),
        ({"severity": "high", "team": "web"}, []),
        ({"severity": "low"}, []),
        ({}, []),
    ],
)
def test_the_first_ladder_that_fits_is_the_ladder(labels: dict[str, str], steps: list[tuple[int, str]]) -> None:
    told = Told()
    told.put(alert(labels=labels))
    assert told.until(7200).steps == steps


def test_two_workers_that_write_the_same_step_tell_it_once() -> None:
    """One was frozen: its record comes after that of its successor."""
    told = climbing().until(2)
    other = told.anew()
    for record, at_ms in told.log:
        other.take(record, at_ms)
    told.until(5 * MINUTE + 2)
    other.take(resent(critical()), told.now_ms)
    [late] = other.due(told.now_ms)
    assert (late.reason, late.step) == ("escalated", "manager")
    assert told.put(late) == []
    assert [step for _, step in told.steps] == ["on-call", "manager"]


def test_nothing_is_written_twice_while_a_record_is_under_way() -> None:
    told = climbing()
    assert len(told.state.due(NOW + 1000)) == 1
    assert told.state.due(NOW + 2000) == []


def test_an_older_state_that_is_read_again_undoes_nothing() -> None:
    told = climbing().until(6 * MINUTE)
    told.put(resolved(critical(), told.now_ms - 10**6 * 1000))
    assert labels_of(told.put(resent(critical()))) == ["", "manager"]


def test_a_ladder_that_changed_goes_on_from_the_step_that_was_told() -> None:
    told = climbing().until(6 * MINUTE)
    packed = told.state.snapshot()
    told.text = "ladders: [{steps: [{name: manager, after: 0s}, {name: board, after: 20m}]}]"
    told.state = told.anew()
    told.state.restore(packed)
    assert told.until(3600).steps[2:] == [(25 * MINUTE + 1, "board")]


CHANGES = st.lists(
    st.tuples(st.integers(1, 1800), st.sampled_from(["ack", "ack 2m", "mute", "release", "resolve", "fire"])),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.lists(st.integers(0, 1800), max_size=4))
def test_a_restart_at_any_moment_changes_nothing(changes: list[tuple[int, str]], restarts: list[int]) -> None:
    """From a snapshot taken some records ago, and those records once more: the same steps at the same seconds."""
    assert played(changes, restarts) == played(changes, [])


def played(changes: list[tuple[int, str]], restarts: list[int]) -> list[tuple[int, str]]:
    told = climbing()
    kept, read = b"", 0
    for second, change in sorted([*changes, *((second, "restart") for second in restarts)]):
        told.until(second)
        firing = next(iter(told.firing.values()), None)
        if change == "restart":
            told.state = told.anew()
            if kept:
                told.state.restore(kept)
            for record, at_ms in told.log[read:]:
                told.state.take(record, at_ms)
            kept, read = told.state.snapshot(), len(told.log)
        elif change == "mute":
            told.muted = {identity(critical()): "silenced"}
        elif change == "release":
            told.muted = {}
        elif change == "fire" and firing is None:
            told.put(critical(changed_at_ms=told.now_ms))
        elif change == "resolve" and firing is not None:
            told.put(resolved(firing, told.now_ms))
        elif change.startswith("ack") and firing is not None:
            told.put(acknowledged(firing, told.now_ms, told.now_ms + 120_000 if "2m" in change else 0))
    return told.until(3600).steps + told.reasons


def test_a_snapshot_of_another_form_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        Told().state.restore(b"\x01")
