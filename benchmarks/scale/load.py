"""A load: so many events of so many series, in so many partitions; and the topic that holds them.

Unless said otherwise, event time passes so that all events fall into three windows of 10 s, whatever their number;
series take turns. The last event of each partition is a sentinel, which lets every window before it close.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
from confluent_kafka import Producer

from tests.servers.kafka import create_topic

WINDOW_MS = 10_000
START_MS = 1_735_689_600_000
SENTINEL = "sentinel"
_SERVICES, _METRICS, _HISTOGRAMS = 50, 20, 12
_AFTER_MS = 20_000


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and who processes it."""

    events: int = 200_000
    partitions: int = 8
    series: int = 1_000
    labels: int = 4
    """Of each event."""
    padding: int = 0
    """Random characters in each event that nobody looks at."""
    compression: str = "zstd"
    workers: int = 1
    span_ms: int = 3 * WINDOW_MS
    """Of event time."""


def records(load: Load) -> Iterator[tuple[int, bytes]]:
    """(partition, event) in the order in which they are published, the last ones the sentinels."""
    random = np.random.default_rng(1)
    pool = random.integers(0, 16, 1 << 20).astype(np.uint8)
    text = np.array([ord(c) for c in "0123456789abcdef"], np.uint8)[pool].tobytes().decode()
    values = np.round(np.exp(random.normal(3.5, 1.0, load.events)), 3).tolist()
    times = START_MS + np.arange(load.events) * load.span_ms // load.events
    places = random.integers(0, len(text) - load.padding, load.events).tolist()
    clocks = np.datetime_as_string(times.astype("datetime64[ms]")).tolist()
    for at, (value, clock, place) in enumerate(zip(values, clocks, places, strict=True)):
        series = at % load.series
        yield series % load.partitions, _event(load, series, at, clock, value, text[place : place + load.padding])
    last = str(np.datetime64(START_MS + load.span_ms + _AFTER_MS, "ms"))
    for partition in range(load.partitions):
        yield partition, _event(load, partition, partition, last, 1.0, "").replace(b'"svc-', f'"{SENTINEL}-'.encode())


def _event(load: Load, series: int, at: int, clock: str, value: float, padding: str) -> bytes:
    metric = series // _SERVICES % _METRICS
    kind = "histogram" if metric < _HISTOGRAMS else "gauge"
    labels = "".join(f',"label_{n}":"value {n}"' for n in range(1, load.labels))
    data = (
        f'"service":"svc-{series % _SERVICES:02d}","name":"system.metric_{metric:02d}","kind":"{kind}","value":{value}'
    )
    extra = f',"padding":"{padding}"' if padding else ""
    return (
        f'{{"specversion":"1.0","type":"tidewatch.metric","id":"{at:012x}","source":"/1"{extra},"time":"{clock}Z",'
        f'"data":{{{data},"labels":{{"pod":"p-{series // 1_000}"{labels}}}}}}}'
    ).encode()


def fill(bootstrap_servers: str, topic: str, load: Load) -> float:
    """Create a topic with the load; the mean bytes of an event."""
    create_topic(bootstrap_servers, topic, load.partitions)
    settings = {"linger.ms": 50, "queue.buffering.max.messages": 100_000, "queue.buffering.max.kbytes": 200_000}
    codec = {"bootstrap.servers": bootstrap_servers, "compression.type": load.compression, "enable.idempotence": True}
    producer = Producer({**settings, **codec})
    size = 0
    for at, (partition, record) in enumerate(records(load)):
        size += len(record)
        while True:
            try:
                producer.produce(topic, record, partition=partition)
                break
            except BufferError:
                producer.poll(0.1)
        if at % 1_000 == 0:
            producer.poll(0)
    producer.flush()
    return size / (load.events + load.partitions)
