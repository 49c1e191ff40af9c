"""Rows into ClickHouse and answers out of it: the same code for a server and for chDB, the engine in this process.

*Delivery*: an insert is one block under a deduplication token. The same rows in the same order with the same token are
stored once, however often they are sent, as long as fewer than 20,000 other parts came in between. The reverse does not
hold: the engine remembers a token before it puts the part in place, so after a crash or an error in between a repeated
insert may succeed and store nothing. Therefore, after any failed insert and after a restart: repeat it, read back with
:meth:`ClickHouse.stored_offsets`, and insert what is missing under a new token. The driver repeats no insert by itself.

*Back-pressure*: an insert returns when its rows are stored, or raises ``Unavailable`` (away, slow, full, read-only:
repeat later, outside of here) or ``Rejected`` (these rows can never be stored). Nothing is kept here in between.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import config
from schemas.failures import Rejected, Unavailable
from schemas.retention import read_rules
from schemas.tables import COLUMNS, Coded
from sinks.chdb_directory import Spool, connect, insert_statement
from sinks.clickhouse_columns import file_bytes, record_batch
from sinks.clickhouse_failures import failure

logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)  # what it warns of, with tracebacks, is raised here too

DATABASE = "tidewatch"
CONNECT_TIMEOUT, RECEIVE_TIMEOUT = 10, 60
"""Seconds until a server that does not answer counts as unavailable."""

PINNED = {
    "insert_deduplicate": 1,
    "deduplicate_insert": "enable",
    "async_insert": 0,
    "distributed_foreground_insert": 1,  # on a cluster: stored by the shard, not queued for it
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 0,  # no squashing: one Arrow record batch, one block, one part, one token
    "min_insert_block_size_bytes": 0,
    "max_insert_block_size": 1_048_576,
    "max_partitions_per_insert_block": 1000,  # windows of replayed history span years
    "input_format_null_as_default": 0,  # a NULL where none belongs is an error and no empty text
    "input_format_arrow_allow_missing_columns": 0,
}
"""Settings of every insert: with others the same rows could be cut into other blocks, and no token would know them."""


class ClickHouse:
    """One database. Safe to use from several threads: the driver runs calls into chDB one after the other.

    Raises ``Unavailable`` when the server does not answer or another process owns the chDB directory, ``Rejected`` when
    the configuration makes no sense.
    """

    def __init__(self, settings: config.ClickHouse) -> None:
        scheme, _, rest = settings.url.partition(":")
        self.database = DATABASE if scheme == "chdb" else urlsplit(settings.url).path.strip("/") or DATABASE
        if not re.fullmatch(r"\w+", self.database):
            raise Rejected(f"clickhouse.url: {self.database} is no name for a database: letters, digits and _")
        self.directory = Path(rest).resolve() if scheme == "chdb" else None
        """Of chDB; None for a server."""
        self._client = connect(self.directory) if self.directory else _connect_server(settings)
        if self.directory:
            self.spool = Spool(self.directory)
            self.create_database()
        self._client.database = self.database
        self.retention_days = settings.retention_days
        self.retention = read_rules(settings.retention)
        self._pinned = {name: value for name, value in PINNED.items() if name in self._client.server_settings}

    def insert(self, table: str, columns: Mapping[str, Sequence[Any] | Coded], token: str) -> None:
        """Insert rows, given as columns in ``schemas.tables.COLUMNS[table]``; see *Delivery* on ``token``."""
        batch = record_batch(table, columns)
        settings = {**self._pinned, "insert_deduplication_token": token}
        try:
            if self.directory is None:
                # An iterator, because bytes the driver would send a second time by itself when the connection breaks.
                body = iter((file_bytes(batch, "lz4"),))
                self._client.raw_insert(table, batch.schema.names, body, settings, "Arrow")
            else:
                target = f"{table} ({', '.join(batch.schema.names)})"
                with self.spool.file(file_bytes(batch, None)) as file:
                    self._client.command(insert_statement(target, file, "Arrow", settings))
        except ClickHouseError as error:
            raise failure(error, f"inserting into {table}", repeat_text=False) from None
        except OSError as error:
            raise Unavailable(f"inserting into {table} failed: {error.strerror}") from None

    def stored_offsets(
        self, table: str, topic: str, incarnation: str, partition: int, first: int, policies: Sequence[str] = ()
    ) -> set[int]:
        """The offsets from ``first`` on of which the table holds a row; of verdicts, one of these policies."""
        if table not in COLUMNS:
            raise Rejected(f"{table} is no table of schemas/tables")
        rows = self.query(
            f"SELECT DISTINCT _offset FROM {table} WHERE _topic = {{topic:String}} AND _partition = {{partition:Int32}}"  # noqa: S608
            " AND _incarnation = {incarnation:String} AND _offset >= {first:Int64}"
            + (" AND policy IN {policies:Array(String)}" if policies else ""),
            {"topic": topic, "incarnation": incarnation, "partition": partition, "first": first}
            | ({"policies": list(policies)} if policies else {}),
        )
        return {row["_offset"] for row in rows}

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a SELECT by column name; times are aware UTC datetimes. ``{name:Type}`` binds a parameter."""
        try:
            return list(self._client.query(sql, parameters=dict(parameters or {})).named_results())
        except ClickHouseError as error:
            raise failure(error, "the query", repeat_text=True) from None

    def raw_query(self, sql: str, output_format: str) -> bytes:
        """What a server answers to a statement, in one of ClickHouse's formats. The statement must not write."""
        settings = {} if self._client.server_settings["readonly"].value != "0" else {"readonly": 1}
        try:
            data: bytes = self._client.raw_query(sql, fmt=output_format, settings=settings)
        except ClickHouseError as error:
            raise failure(error, "the query", repeat_text=True) from None
        return data

    def command(self, sql: str) -> None:
        """Run a statement that returns nothing, such as DDL."""
        self._command(sql)

    def has_database(self) -> bool:
        """Whether the database is there."""
        return bool(self._command(f"EXISTS DATABASE {self.database}", use_database=False))

    def create_database(self) -> None:
        """Make the database unless it is there."""
        self._command(f"CREATE DATABASE IF NOT EXISTS {self.database}", use_database=False)

    def ping(self) -> bool:
        """Whether it answers now."""
        return bool(self._client.ping())

    def close(self) -> None:
        """Close the connection; a chDB directory is free for others then."""
        self._client.close()

    def _command(self, sql: str, use_database: bool = True) -> Any:
        try:
            return self._client.command(sql, use_database=use_database)
        except ClickHouseError as error:
            raise failure(error, "the statement", repeat_text=True) from None


def _connect_server(settings: config.ClickHouse) -> Any:
    """A client for a server. TLS is asked for by name: what the driver makes of a DSN can be plaintext."""
    address = urlsplit(settings.url)
    if address.scheme not in ("http", "https") or not address.hostname or address.username or address.password:
        raise Rejected(
            "clickhouse.url must be chdb:DIRECTORY, http://HOST:8123/DATABASE or https://HOST:8443/DATABASE; the user "
            "goes into clickhouse.username, the password into clickhouse.password or the file clickhouse.password_file"
        )
    for name in ("ca_file", "cert_file", "key_file"):
        if (file := getattr(settings, name)) and not Path(file).is_file():
            raise Rejected(f"clickhouse.{name}: there is no file {file}")
    password = _password(settings)
    try:
        return clickhouse_connect.get_client(
            interface=address.scheme,
            host=address.hostname,
            port=address.port or (8443 if address.scheme == "https" else 8123),
            username=settings.username,
            password=password,
            ca_cert=settings.ca_file or None,
            client_cert=settings.cert_file or None,
            client_cert_key=settings.key_file or None,
            tls_mode="strict" if password else "mutual",  # a certificate alone, or a certificate and the password
            compress="lz4",
            tz_mode="aware",
            connect_timeout=CONNECT_TIMEOUT,
            send_receive_timeout=RECEIVE_TIMEOUT,
            autogenerate_session_id=False,  # a session would allow one request at a time
            dedicated_pool=True,
            show_clickhouse_errors="scrub",
        )
    except ClickHouseError as error:
        failed = failure(error, f"connecting to ClickHouse at {address.netloc}", repeat_text=True)
        if getattr(error, "code", None) is None:
            failed = Unavailable(f"{failed}; start it, or correct clickhouse.url")
        raise failed from None
    except (OSError, ValueError) as error:
        raise Rejected(f"clickhouse: {error}; correct clickhouse.url, ca_file, cert_file or key_file") from None


def _password(settings: config.ClickHouse) -> str:
    if not settings.password_file:
        return settings.password
    try:
        return Path(settings.password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise Rejected(f"clickhouse.password_file: {settings.password_file} is not a readable text file") from None
