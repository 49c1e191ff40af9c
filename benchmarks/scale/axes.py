"""What is varied, one thing at a time, and the loads along each axis."""

from msgspec.structs import replace

from benchmarks.scale.load import Load

BASE = Load()

_LARGEST_TOPIC = 200_000_000
"""Bytes: of large events fewer are sent."""


def _padded(padding: int) -> Load:
    return Load(padding=padding, events=min(BASE.events, _LARGEST_TOPIC // (padding + 300)))


def _catching_up(events: int) -> Load:
    """4,000 events a second of event time: the smaller load, too, is longer than late data is waited for."""
    return Load(events=events, series=100, span_ms=events // 4)


AXES: dict[str, dict[str, Load]] = {
    "series": {f"{n:,}": replace(BASE, series=n, events=max(500_000, n)) for n in (1_000, 10_000, 100_000, 1_000_000)},
    "events": {f"{n:,}": _catching_up(n) for n in (2_500_000, 10_000_000)},
    "workers": {"1": BASE, "2": replace(BASE, workers=2)},
    "partitions": {str(n): replace(BASE, partitions=n) for n in (1, 8, 64)},
    "size": {"as it is": BASE, "1 kB more": _padded(1_000), "10 kB more": _padded(10_000)},
    "labels": {str(n): replace(BASE, labels=n) for n in (1, 4, 32)},
    "compression": {codec: replace(BASE, compression=codec) for codec in ("none", "lz4", "snappy", "gzip", "zstd")},
}
"""Axis -> place on it -> load. A load that is on several axes is measured once."""
