"""``tidewatch audit ocsf``: violations, security events and acts of processing for a SIEM that reads OCSF."""

import time
from collections.abc import Iterator
from typing import Any, BinaryIO

import click
import orjson

from sinks.chdb_directory import quoted
from streams.api.parameters import DEFAULT_TENANT
from streams.cli._clickhouse import Ask, asking, sentences
from streams.cli._times import TIME
from streams.config import load
from streams.config.files import load_policies
from streams.evidence.chain import HOUR_MS
from streams.ocsf.activities import processing, security
from streams.ocsf.findings import finding
from streams.reports.asking import between

_DAY_MS = 24 * HOUR_MS

_VIOLATIONS = """SELECT entry, hash FROM evidence FINAL
WHERE tenant = {tenant} AND kind = 'violation' AND {when} ORDER BY at, chain, seq"""

_EVENTS = """SELECT *, toUnixTimestamp64Milli(time) AS time_ms FROM {table}
WHERE tenant = {tenant} AND {when} ORDER BY time, event_id"""


@click.command(short_help="Write findings and events as OCSF, for a SIEM.")
@click.argument("file", type=click.File("wb"), default="-")
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose.")
@click.option("--from", "since_ms", type=TIME, help="From then on; else of the last 24 hours.")
@click.option("--to", "until_ms", type=TIME, help="Up to then; else to now.")
def command(file: BinaryIO, path: str | None, tenant: str, since_ms: int | None, until_ms: int | None) -> None:
    """Write events of OCSF 1.8 into FILE (else to standard output), an object a line.

    Violations in the evidence ledger are Compliance Findings (2003). Security events are Authentication (3002),
    Datastore Activity (6005) or API Activity (6003), and acts of processing Datastore Activity.
    """
    until_ms = time.time_ns() // 1_000_000 if until_ms is None else until_ms
    since_ms = until_ms - _DAY_MS if since_ms is None else since_ms
    if since_ms >= until_ms:
        raise click.UsageError("--from is not before --to; write the earlier time first")
    with sentences():
        config = load(path)
        remedies = {policy.id: policy.remediation for policy in load_policies(config.compliance).policies}
        with asking(config.clickhouse) as ask:
            for begin_ms in range(since_ms, until_ms, HOUR_MS):  # not all of it has to fit into memory
                for event in _events(ask, tenant, begin_ms, min(begin_ms + HOUR_MS, until_ms), remedies):
                    file.write(orjson.dumps(event) + b"\n")


def _events(ask: Ask, tenant: str, start_ms: int, end_ms: int, remedies: dict[str, str]) -> Iterator[dict[str, Any]]:
    of = {"tenant": quoted(tenant)}
    for row in _rows(ask, _VIOLATIONS.format(**of, when=between("at", start_ms, end_ms))):
        entry = orjson.loads(row["entry"])
        yield finding(entry, row["hash"], remedies.get(entry["body"]["policy"], ""))
    for table, made in (("raw_security", security), ("raw_processing", processing)):
        for row in _rows(ask, _EVENTS.format(**of, table=table, when=between("time", start_ms, end_ms))):
            yield made(row)


def _rows(ask: Ask, sql: str) -> Iterator[dict[str, Any]]:
    for line in ask(sql, "JSONEachRow").splitlines():
        row: dict[str, Any] = orjson.loads(line)
        yield {name: int(value) if name == "time_ms" else value for name, value in row.items()}
