"""What recording rules gave, out of the table ``recorded``."""

from collections.abc import Callable, Collection, Iterator

import orjson

from streams.promql import STALE, Labels, MemoryStorage
from streams.promql.values import NAME
from streams.stored import sql


def load_recorded(
    ask: Callable[[str, str], bytes],
    tenant: str,
    wanted: Collection[str] | None,
    start_ms: int,
    end_ms: int,
    storage: MemoryStorage,
) -> int:
    """Add the samples of ``[start_ms, end_ms]`` to a storage, of these names (None: all); gives how many there are."""
    count = 0
    for line in ask(sql.recorded(wanted, tenant, start_ms, end_ms + 1), "JSONCompactEachRow").splitlines():
        name, service, labels, samples = orjson.loads(line)
        series = storage.series(labels_of(name, service, labels))
        if series.timestamps:
            continue  # events give a series of the same name
        for at, value, ended in sorted((int(at), value, int(ended)) for at, value, ended in samples):
            series.append(at, STALE if ended else float(value))
        count += len(samples)
    return count


def recorded_labels(ask: Callable[[str, str], bytes], tenant: str, start_ms: int, end_ms: int) -> Iterator[Labels]:
    """The label sets that have samples in ``[start_ms, end_ms]``."""
    for line in ask(sql.recorded_identities(tenant, start_ms, end_ms + 1), "JSONCompactEachRow").splitlines():
        yield labels_of(*orjson.loads(line))


def labels_of(name: str, service: str, labels: str) -> Labels:
    """The labels of a series as PromQL sees them."""
    found = {NAME: name, "service": service, **orjson.loads(labels or "{}")}
    return Labels({label: value for label, value in found.items() if value})
