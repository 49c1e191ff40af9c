"""Other stream processors that do the same work: a folder each, with ``CONTESTANTS`` in its ``__init__.py``.

The work: decode and validate the events of :mod:`benchmarks.events`, fold them into 10 s windows of event time for each
series (service, name and all labels) with count, sum, min, max and a mergeable 95th percentile, and let each window
out once, when it is closed. Percentiles come from the peer's own sketch, or from buckets ``ceil(log2(value) * 64) - 1``
with a count each, of which the midpoint stands for its values.

A contestant is a process of its own, started as ``command BOOTSTRAP_SERVERS TOPIC COUNTED FILE``. A record's key is its
series (``svc-07 system.metric_03 method=GET,region=eu,...``), for those that keep state by key; time and value are in
the value only, and all of a series is in one partition. It reads the topic from its beginning, is done when ``COUNTED``
events are in windows that are closed (those of the service ``sentinel`` are not counted; one in each partition, 20 s
later than all else, closes the others), writes all windows to ``FILE`` as one JSON object

    {"svc-07 system_metric_03 1735689600000": [count, sum, min, max, p95], ...}

with service, name (``_`` for dots) and start in ms, and prints as its last line of output

    {"wall_seconds": 1.5, "cpu_seconds": 1.4, "rss_bytes": 90000000, "versions": {"peer": "1.2.3"}}

Seconds run from when it is assigned its partitions (from just before its first fetch, if it cannot tell) until its last
window is out; processor time is that of the whole process with all its threads and children, memory the most it had.
The runner compares the windows with what was published. Python contestants have :mod:`benchmarks.peer` for all of this;
they run in an environment of their own, so nothing that they import may need more than Python and what they install.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import NamedTuple


class NotInstalled(Exception):  # noqa: N818 - named after what happened, as the field does
    """A peer cannot run on this machine. The text says why, in one sentence."""


class Contestant(NamedTuple):
    """Who takes part.

    ``prepare`` installs what is needed below ``.cache/peers`` (nothing when it is there already) and returns the
    command; it raises :class:`NotInstalled`. ``share`` is the size of its topic in those of ours: what is slow gets
    less, as processor time an event is what is compared.
    """

    name: str
    prepare: Callable[[], list[str]]
    share: float = 1.0


def contestants() -> list[Contestant]:
    """All of them, in the order of their folders."""
    folders = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    modules = [importlib.import_module(f"{__name__}.{folder}") for folder in folders]
    return [contestant for module in modules for contestant in module.CONTESTANTS]
