"""The engine fills the table of windows by itself; the windows come out by a query at the end."""

import json
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from chdb.session import Session

from benchmarks import peer
from benchmarks.peers.windows import SENTINEL, label

_TABLES = Path(__file__).with_name("tables.sql")
_LOOK_EVERY_S = 0.5
_COUNTED = f"SELECT sum(count) AS counted FROM windows WHERE NOT startsWith(series, '{SENTINEL}')"
_CLOSED = f"""
SELECT
    series, toUnixTimestamp64Milli(start) AS at, sum(count) AS n, sum(sum) AS total, min(min) AS low, max(max) AS high,
    quantileExactWeightedMerge(0.95)(p95) AS bucket
FROM windows
WHERE NOT startsWith(series, '{SENTINEL}')
GROUP BY series, start
"""


def rows(session: Session, query: str) -> list[dict[str, Any]]:
    """What a query returns."""
    return [json.loads(line) for line in str(session.query(query, "JSONEachRow")).splitlines()]


def window(found: dict[str, Any]) -> list[Any]:
    """Count, sum, min, max, p95."""
    middle = float(2 ** (found["bucket"] / 64) + 2 ** ((found["bucket"] + 1) / 64)) / 2
    return [int(found["n"]), found["total"], found["low"], found["high"], min(max(middle, found["low"]), found["high"])]


def run(task: peer.Task, directory: str) -> None:
    """Create the tables, wait until all events are in them, ask for the windows."""
    session, clock = Session(directory), peer.Clock()
    session.query("CREATE DATABASE run")
    session.query("USE run")
    names = {"bootstrap_servers": task.bootstrap_servers, "topic": task.topic, "group": f"clickhouse-{uuid.uuid4()}"}
    *tables, view = _TABLES.read_text().format(**names).rstrip().rstrip(";").split(";\n")
    for statement in tables:
        session.query(statement)
    clock.begin()
    session.query(view)
    while int(rows(session, _COUNTED)[0]["counted"]) < task.counted:
        time.sleep(_LOOK_EVERY_S)
    closed = {}
    for found in rows(session, _CLOSED):
        service, name, _ = found["series"].split(" ", 2)
        closed[label(service, name, int(found["at"]))] = window(found)
    clock.end()
    session.query("DROP VIEW folding")
    peer.hand_in(task, clock, closed, ["chdb-core"])


def main() -> None:
    """Run and report."""
    with tempfile.TemporaryDirectory() as directory:
        run(peer.task(sys.argv), directory)


if __name__ == "__main__":
    main()
