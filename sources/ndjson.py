"""Our own events, one CloudEvent in JSON a line."""

from collections.abc import Iterable, Iterator

from schemas import cloudevents
from schemas.events import Event
from schemas.failures import Rejected
from sources import Options

NAME = "ndjson"
DESCRIPTION = "Tidewatch's own events: one CloudEvent in JSON a line; empty lines are skipped."


def detect(name: str, first: bytes) -> bool:
    """A JSON object that says which specification it follows."""
    return first.lstrip().startswith(b"{") and b'"specversion"' in first


def events(lines: Iterable[bytes], options: Options) -> Iterator[Event]:
    """Raises ``Rejected`` with the line number at the first line that is no event."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield cloudevents.decode(line)
            except Rejected as refused:
                raise Rejected(refused.category, f"{options.name}, line {number}: {refused.detail}") from None
