"""What the demo publishes: repeatable, in order, with a bad middle and a healthy end."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from demo.broken import AHEAD, Broken
from demo.story import BEGIN, DATA_SECONDS, SECONDS, Item, story
from demo.traffic import SERVICES
from schemas import cloudevents
from schemas.events import HealthEvent, MetricEvent, ProcessingEvent, SecurityEvent
from schemas.failures import Rejected


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """The whole story."""
    return list(story())


def test_the_same_seed_gives_the_same_story(items: list[Item]) -> None:
    """A run can be repeated, and another round of an endless one differs."""
    assert list(story()) == items
    assert list(story(seed=2)) != items


def test_it_is_in_the_order_of_event_time(items: list[Item]) -> None:
    """And every event's own time is where it stands, but for those of a wrong clock."""
    assert all(one.at <= other.at for one, other in pairwise(items))
    for at, what in items:
        if not isinstance(what, Broken) and what.time - BEGIN < AHEAD:
            assert what.time == BEGIN + timedelta(seconds=at)


def test_an_identity_is_used_once(items: list[Item]) -> None:
    """Source and id of a CloudEvent name one event."""
    identities = Counter((item.what.source, item.what.id) for item in items if not isinstance(item.what, Broken))
    assert [identity for identity, count in identities.items() if count > 1] == []


def test_all_shipped_extracts_are_in_it(items: list[Item]) -> None:
    """With as many events as the page beside them says; Frontend's go on after its record."""
    frontend = [item for item in items if isinstance(item.what, MetricEvent | HealthEvent) and item.at < 7_220]
    assert sum(item.what.data.service == "Frontend" for item in frontend) == 12_960
    assert sum(item.what.data.service == "frontend" for item in frontend) == 360
    assert sum(isinstance(item.what, SecurityEvent) for item in items) == 293 + 165
    assert sum(isinstance(item.what, ProcessingEvent) for item in items) == 480


def test_bad_records_are_refused_each_for_its_own_reason(items: list[Item]) -> None:
    """Each kind is met twice; a wrong clock is refused only by a worker, which knows the time."""
    reasons = Counter()
    for item in items:
        if isinstance(item.what, Broken):
            with pytest.raises(Rejected) as refused:
                cloudevents.decode(item.what.value)
            reasons[refused.value.category] += 1
    assert len(reasons) == 8
    assert set(reasons.values()) == {2}
    assert sum(not isinstance(what, Broken) and what.time > BEGIN + AHEAD for _, what in items) == 2


def test_the_end_is_healthy(items: list[Item]) -> None:
    """After the data nothing fails, so that windows close and alerts resolve before the demo ends."""
    end = [item.what for item in items if item.at > DATA_SECONDS]
    assert all(isinstance(what, MetricEvent | HealthEvent) for what in end)
    last = BEGIN + timedelta(seconds=SECONDS)
    beating = {what.data.service for what in end if isinstance(what, HealthEvent) and what.time >= last}
    assert beating == {service.name for service in SERVICES}


def test_one_service_is_silent_for_a_while_and_no_other(items: list[Item]) -> None:
    """More than the 30 s after which it is down and the 30 s that its alert waits."""
    gaps: dict[str, float] = {}
    last: dict[str, datetime] = {}
    for _, what in items:
        if isinstance(what, HealthEvent):
            service = what.data.service
            gaps[service] = max(gaps.get(service, 0.0), (what.time - last.get(service, what.time)).total_seconds())
            last[service] = what.time
    assert {service for service, gap in gaps.items() if gap > 30} == {"payments"}
    assert gaps["payments"] > 120
    assert min(last.values()) > BEGIN.astimezone(UTC) + timedelta(seconds=SECONDS)
