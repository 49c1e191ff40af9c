"""Records that no event can be made of, one of each kind that is met in the field: they become dead letters."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from schemas.events import Event, Metric, MetricEvent


class Broken(NamedTuple):
    """A record as it is sent to the topic of metrics."""

    key: bytes
    value: bytes | None


TIMES = 2
"""How often each is sent."""

AHEAD = timedelta(days=30)
"""By how much a wrong clock is fast: more than an endless run lies back, so that it is in the future there too."""


def broken(begin: datetime, seconds: float) -> Iterator[tuple[float, Broken | Event]]:
    """The records, spread evenly over ``seconds``, each with the second at which it is sent."""
    kinds = _kinds()
    step = seconds / (TIMES * (len(kinds) + 1) + 1)
    at = 0.0
    for _ in range(TIMES):
        for value in kinds:
            at += step
            yield at, Broken(b"default/legacy-shop", value)
        at += step
        yield at, _ahead(begin + timedelta(seconds=at), at)


def _kinds() -> list[bytes | None]:
    return [
        b'{"specversion": "1.0", "id": "cut-off", "type": "tidewatch.metr',
        _metric(value="fast"),
        None,  # a tombstone
        _event("com.example.order", {"order": 4711}),
        _metric(labels={"status code": "200"}),
        _metric().replace(b'"value":1.0', b'"value":1.0,"value":2.0'),
        _metric(time="1970-01-01T00:00:00Z"),
        _metric(name="\u00e9").replace("\u00e9".encode(), b"\xe9"),  # Latin-1 where UTF-8 belongs
    ]


def _metric(time: str = "2022-08-22T04:00:00Z", **changed: Any) -> bytes:
    data = {"service": "legacy-shop", "name": "orders_total", "kind": "counter", "value": 1.0, **changed}
    return _event("tidewatch.metric", data, time)


def _event(kind: str, data: dict[str, Any], time: str = "2022-08-22T04:00:00Z") -> bytes:
    return msgspec.json.encode(
        {"specversion": "1.0", "type": kind, "id": "1", "source": "/legacy-shop", "time": time, "data": data}
    )


def _ahead(moment: datetime, at: float) -> MetricEvent:
    """A well-formed event of a machine whose clock is wrong."""
    return MetricEvent(
        specversion="1.0",
        id=f"fast-clock-{at:.0f}",
        source="/legacy-shop",
        time=moment + AHEAD,
        data=Metric(service="legacy-shop", name="orders_total", kind="counter", value=1.0),
    )
