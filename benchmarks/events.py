"""The events that every benchmark processes, made from a seed, and the windows that must come out of them.

CloudEvents JSON of about 260 bytes: 50 services with 20 metrics each, four labels, and a kind whose percentiles matter
(12 histograms, 8 gauges). Event time passes at 20,000 events a second, with up to 0.4 s of disorder, from a fixed start
on, so that a million events make five full 10 s windows of 1,000 series. Each record's key is its series. All of a
service stay in one partition, whose last event is a sentinel, 20 s later, that lets every window before it close.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

SERVICES, METRICS, PARTITIONS = 50, 20, 8
SERIES = SERVICES * METRICS
EVENTS_PER_SECOND = 20_000
"""Of event time."""
START_MS = 1_735_689_600_000
WINDOW_MS = 10_000
DISORDER_MS = 400
SENTINEL = "sentinel"
"""Service of the events that end the run; its windows are nobody's result."""

_SENTINEL_AFTER_MS = 20_000
_CHUNK = 50_000
_HISTOGRAMS = 12
_METHODS, _REGIONS, _TIERS, _ZONES = ("GET", "POST", "PUT"), ("eu", "us"), ("web", "batch"), "abcd"


class Chunk(NamedTuple):
    """Consecutive events. ``series`` is ``service * METRICS + metric``; times in epoch ms."""

    series: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    records: list[bytes]
    keys: list[bytes]

    @property
    def partitions(self) -> NDArray[np.int64]:
        """The partition of each event."""
        return self.series // METRICS % PARTITIONS


def service(series: int) -> str:
    """The service of a series."""
    return f"svc-{series // METRICS:02d}"


def name(series: int) -> str:
    """The metric of a series."""
    return f"system.metric_{series % METRICS:02d}"


def kind(series: int) -> str:
    """The kind of a series."""
    return "histogram" if series % METRICS < _HISTOGRAMS else "gauge"


def labels(series: int) -> dict[str, str]:
    """The labels of a series."""
    return {
        "method": _METHODS[series % 3],
        "region": _REGIONS[series % 2],
        "tier": _TIERS[series // METRICS % 2],
        "zone": _ZONES[series // METRICS % 4],
    }


def chunks(count: int, seed: int = 1) -> Iterator[Chunk]:
    """``count`` events in the order in which they are published, the last of them the sentinels."""
    templates = [_template(series) for series in range(SERIES)]
    keys = [_key(service(series), series) for series in range(SERIES)]
    random = np.random.default_rng(seed)
    ordinary = count - PARTITIONS
    for first in range(0, ordinary, _CHUNK):
        rows = min(_CHUNK, ordinary - first)
        series = random.integers(0, SERIES, rows)
        due = START_MS + (np.arange(first, first + rows) * 1000) // EVENTS_PER_SECOND
        times = due + random.integers(0, DISORDER_MS, rows)
        values = np.round(np.exp(random.normal(3.5, 1.0, rows)) + 0.001, 3)
        texts = np.datetime_as_string(times.astype("datetime64[ms]")).tolist()
        ids = random.integers(0, 1 << 48, rows).tolist()
        columns = zip(series.tolist(), ids, texts, values.tolist(), strict=True)
        records = [(templates[s] % (id_, text, value)).encode() for s, id_, text, value in columns]
        yield Chunk(series, times, values, records, [keys[s] for s in series.tolist()])
    yield _sentinels(START_MS + ordinary * 1000 // EVENTS_PER_SECOND + _SENTINEL_AFTER_MS)


def _key(of: str, series: int) -> bytes:
    """The whole identity of a series, so that stream processors that keep state by key need no topic in between."""
    pairs = ",".join(f"{label}={value}" for label, value in labels(series).items())
    return f"{of} {name(series)} {pairs}".encode()


def _template(series: int) -> str:
    """A series' record, less its id, time and value."""
    envelope = f'"specversion":"1.0","type":"tidewatch.metric","id":"%012x","source":"/{service(series)}/1"'
    data = f'"service":"{service(series)}","name":"{name(series)}","kind":"{kind(series)}","value":%r'
    labelled = msgspec.json.encode(labels(series)).decode()
    return f'{{{envelope},"time":"%sZ","data":{{{data},"labels":{labelled}}}}}'


def _sentinels(time_ms: int) -> Chunk:
    """One event for each partition."""
    text = str(np.datetime64(time_ms, "ms"))
    template = _template(0).replace(service(0), SENTINEL)
    series = np.arange(PARTITIONS) * METRICS
    values = np.ones(PARTITIONS)
    times = np.full(PARTITIONS, time_ms)
    records = [(template % (i, text, 1.0)).encode() for i in range(PARTITIONS)]
    return Chunk(series, times, values, records, [_key(SENTINEL, 0)] * PARTITIONS)
