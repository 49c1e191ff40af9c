"""Which alerts are sent when: the resend rules of Prometheus, told as timelines in seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert
from streams.alerts.notifications import Notifications
from tests.alerts.examples import NOW, alert

DELAY_S = 60


def sent_at(timeline: dict[int, Alert], until_s: int) -> list[tuple[int, str]]:
    """Feed alerts at their seconds and ask what is due every second; (second, state) of all that was."""
    notifications = Notifications(DELAY_S * 1000)
    sent: list[tuple[int, str]] = []
    for second in range(until_s + 1):
        if second in timeline:
            notifications.apply(timeline[second], NOW + second * 1000)
        sent += [(second, each.state) for each in notifications.due(NOW + second * 1000)]
    return sent


def test_a_firing_alert_is_sent_at_once_and_every_resend_delay() -> None:
    assert sent_at({5: alert()}, until_s=130) == [(5, "firing"), (65, "firing"), (125, "firing")]


def test_a_resolved_alert_is_sent_at_once_and_repeated_for_15_minutes() -> None:
    """Up to and including the fifteenth minute: an Alertmanager that was away learns of it when it is back."""
    sent = sent_at({0: alert(), 30: alert(state="resolved", changed_at_ms=NOW + 30_000)}, until_s=2000)

    assert sent == [(0, "firing"), *((30 + 60 * minute, "resolved") for minute in range(16))]


def test_firing_again_is_sent_at_once() -> None:
    timeline = {
        0: alert(),
        10: alert(state="resolved", changed_at_ms=NOW + 10_000),
        20: alert(changed_at_ms=NOW + 20_000),
    }

    assert sent_at(timeline, until_s=60) == [(0, "firing"), (10, "resolved"), (20, "firing")]


@pytest.mark.parametrize("state", ["pending", "inactive"])
def test_what_never_fired_is_not_sent(state: str) -> None:
    assert sent_at({0: alert(state=state)}, until_s=100) == []


def test_a_repetition_brings_its_annotations_along_when_it_is_due() -> None:
    """A value that changes every second must not become a request every second."""
    notifications = Notifications(DELAY_S * 1000)
    notifications.apply(alert(), NOW)
    notifications.due(NOW)

    notifications.apply(alert(annotations={"summary": "slower"}, reason="resend"), NOW + 1000)

    assert notifications.due(NOW + 1000) == []
    assert [each.annotations for each in notifications.due(NOW + 60_000)] == [{"summary": "slower"}]


def test_a_replayed_topic_does_not_undo_what_came_later() -> None:
    """After a rebalance the same transitions come again, from an older offset on."""
    fired, resolved = alert(), alert(state="resolved", changed_at_ms=NOW + 10_000)

    assert sent_at({0: fired, 10: resolved, 20: fired, 21: resolved}, until_s=60) == [(0, "firing"), (10, "resolved")]


def test_tenants_with_equal_labels_have_alerts_of_their_own() -> None:
    notifications = Notifications(DELAY_S * 1000)
    for tenant in ("blue", "green"):
        notifications.apply(alert(tenant=tenant), NOW)

    assert {each.tenant for each in notifications.due(NOW)} == {"blue", "green"}


def test_a_resolved_alert_is_forgotten_in_the_end() -> None:
    """Otherwise memory would grow by every alert that ever was."""
    notifications = Notifications(DELAY_S * 1000)
    notifications.apply(alert(state="resolved"), NOW)
    notifications.due(NOW)

    notifications.due(NOW + 15 * 60_000 + 1)

    assert len(notifications) == 0


@given(st.lists(st.tuples(st.integers(0, 120), st.sampled_from(["pending", "firing", "resolved"])), max_size=20))
def test_the_last_state_is_always_told(steps: list[tuple[int, str]]) -> None:
    """Whatever the order of transitions, what was sent last is what was true last."""
    timeline = {s: alert(state=state, changed_at_ms=NOW + s * 1000) for s, state in sorted(dict(steps).items())}
    told = [state for _, state in sorted(dict(steps).items()) if state != "pending"]

    assert [state for _, state in sent_at(timeline, until_s=120)][-1:] == told[-1:]
