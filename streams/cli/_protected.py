"""What the commands on personal data share: the master keys, a ClickHouse to write into, and acts for the ledger."""

import asyncio
import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from schemas.config import Config
from schemas.failures import Unavailable
from schemas.keys import MasterKeys
from sinks.clickhouse import ClickHouse
from sinks.kafka import Publisher
from streams.cli._clickhouse import owned
from streams.config.masterkeys import load_master_keys, writer_credential
from streams.evidence.records import Act, encode
from streams.privacy.pseudonyms import Pseudonyms
from streams.stages.keyring import check_keys

reason = click.option("--reason", required=True, help="Why; kept in the ledger.")
author = click.option("--by", "author", default=getpass.getuser, show_default="your login", help="Who does it.")


class Desk(NamedTuple):
    """Where such a command works."""

    config: Config
    master: MasterKeys
    clickhouse: ClickHouse

    def pseudonym(self, tenant: str, subject: str) -> str:
        """Under which pseudonym a person is stored."""
        return Pseudonyms(self.master.pseudonym_key()).of(tenant, subject)


@contextmanager
def desk(config: Config) -> Iterator[Desk]:
    """With a connection that may write: a server's, or that of the process that owns the chDB directory, or its own.

    Raises ``Rejected`` when the master keys are not those of this database.
    """
    master, settings = load_master_keys(config), config.clickhouse
    scheme, _, directory = settings.url.partition(":")
    if scheme == "chdb" and owned(settings.embedded_port, Path(directory)):
        owner = f"http://127.0.0.1:{settings.embedded_port}/"
        password = writer_credential(master)
        settings = msgspec.structs.replace(settings, url=owner, password=password, password_file="")
    elif scheme == "chdb" and not (Path(directory) / "metadata").is_dir():
        raise Unavailable(f"{directory} holds no data yet: run `tidewatch worker` or `tidewatch demo` first")
    sink = ClickHouse(settings)
    try:
        check_keys(sink, master)
        yield Desk(config, master, sink)
    finally:
        sink.close()


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def record(config: Config, tenant: str, kind: str, by: str, details: dict[str, Any]) -> None:
    """An act for the evidence ledger, stored in its topic when this returns. Raises ``Unavailable`` when it is not."""
    act = Act(tenant=tenant, kind=kind, time_ms=now_ms(), by=by, details=details)
    asyncio.run(_send(config, act))


async def _send(config: Config, act: Act) -> None:
    async with Publisher(config.kafka, config.topics) as publisher:
        await publisher.send_raw(config.topics.evidence, act.tenant.encode(), encode(act))
