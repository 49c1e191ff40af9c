"""Which hard cases a run has reached. All workers write to one log, so those that were killed are heard as well."""

from collections import Counter
from pathlib import Path

import orjson

CASES = {
    "a batch in doubt was absent": "were absent",
    "a batch in doubt was partly there": "were partial",
    "a batch in doubt was complete": "were complete",
    "a token without its rows was repaired": "ClickHouse knew the token of",
    "a commit was fenced": "the commit was refused",
    "the outcome of a commit was unknown": "the outcome of a commit was unknown",
    "a rebalance came in the middle of an insert": "a rebalance came while rows were being inserted",
    "an insert was tried again": "clickhouse is unavailable, trying again",
}
"""Case -> what a worker says then."""


def met(log: Path) -> Counter[str]:
    """How often each case was met."""
    found = Counter(dict.fromkeys(CASES, 0))
    for message in _messages(log, "message"):
        found.update(case for case, said in CASES.items() if said in message)
    return found


def anomalies(log: Path) -> list[str]:
    """What the auditor saw."""
    kinds = ("gap in ", "overlap in ", "backward in ")
    return [message for message in _messages(log, "message") if message.startswith(kinds)]


def _messages(log: Path, field: str) -> list[str]:
    found = []
    for line in log.read_bytes().splitlines():
        if line.startswith(b"{"):
            try:
                found.append(str(orjson.loads(line)[field]))
            except (orjson.JSONDecodeError, KeyError):
                continue  # its writer was killed in the middle of it
    return found
