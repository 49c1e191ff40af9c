"""OpenLineage run events, one a line or a file of a list: what jobs read and wrote, as acts of data processing.

https://openlineage.io/spec. They say which job touched which data set, and neither whose data those are nor why.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from schemas.events import Processing, ProcessingEvent
from schemas.failures import Rejected
from sources import Options

NAME = "openlineage"
DESCRIPTION = "OpenLineage run events (dbt, Hive, Spark ...), one a line or a list: what jobs read and wrote."

_LISTED = 1_000
"""Characters of the names of data sets that are kept."""


def detect(name: str, first: bytes) -> bool:
    """Members that every run event has, and a kind that only these have."""
    return b'"eventType"' in first and b'"run"' in first and b'"runId"' in first


def events(lines: Iterable[bytes], options: Options) -> Iterator[ProcessingEvent]:
    """One act a run event. Raises ``Rejected`` with the number of the one that is none."""
    number = 0
    for text in _documents(iter(lines)):
        try:
            parsed = msgspec.json.decode(text)
            for record in parsed if isinstance(parsed, list) else [parsed]:
                number += 1
                yield run_event(record)
        except (msgspec.MsgspecError, RecursionError, AttributeError, LookupError, TypeError, ValueError):
            raise Rejected(f"{options.name}, event {number}: not an OpenLineage run event with a time") from None


def _documents(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The texts of the events: each line is one, or all lines together are one or a list."""
    first = next(lines, b"")
    if first.strip().endswith(b"}"):
        yield first
        yield from (line for line in lines if line.strip())
    else:
        yield first + b"".join(lines)


def run_event(record: dict[str, Any]) -> ProcessingEvent:
    """A job began, completed or failed. What its columns are about, no facet says, so the categories stay unknown."""
    job, run = record["job"], record["run"]
    facets = run.get("facets") or {}
    kind = (job.get("facets") or {}).get("jobType") or {}
    state = record["eventType"]
    read, written = (_names(record.get(side)) for side in ("inputs", "outputs"))
    operation = (facets.get("hive_query") or {}).get("operationName") or kind.get("jobType") or "run"
    return ProcessingEvent(
        specversion="1.0",
        id=f"{run['runId']}/{state}"[:256],
        source=f"/openlineage/{job['namespace']}"[:512],
        time=datetime.fromisoformat(record["eventTime"]),
        data=Processing(
            service=(kind.get("integration") or job["namespace"])[:200],
            operation=str(operation).lower()[:200],
            actor=str((facets.get("hive_session") or {}).get("username") or "")[:4096],
            attributes={
                "state": state,
                "job": job["name"][:_LISTED],
                **({"read": read} if read else {}),
                **({"written": written} if written else {}),
            },
        ),
    )


def _names(datasets: list[dict[str, Any]] | None) -> str:
    return ", ".join(sorted(str(dataset["name"]) for dataset in datasets or []))[:_LISTED]
