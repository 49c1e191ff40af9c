"""The evidence ledger as ClickHouse has it: which chains there are, and their rows in the order of verification."""

import re
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from sinks.chdb_directory import quoted
from streams.cli._clickhouse import Ask
from streams.evidence.export import Entries, Line
from streams.evidence.verifying import Bad

_PAGE = 50_000
"""Entries of one question."""

_CATCH_UP_SECONDS = 10.0
"""How long a worker may take from writing entries to writing the head that knows them."""


class Stored(NamedTuple):
    """A chain, and what is to be read of it; times are epoch ms, None: no limit."""

    tenant: str
    chain: str
    since_ms: int
    until_ms: int | None


class Head(NamedTuple):
    """A row of ``evidence_heads``."""

    version: int
    entries: int
    line: Line


class SealedHour(NamedTuple):
    """A row of ``evidence_seals``."""

    number: int
    hour_ms: int
    first: int
    entries: int
    line: Line

    @property
    def end(self) -> int:
        """The number of the first entry after it."""
        return self.first + self.entries


def chains(ask: Ask, tenant: str | None) -> list[tuple[str, str]]:
    """Tenant and chain of all there is, wherever it left a trace."""
    where = f" WHERE tenant = {quoted(tenant)}" if tenant else ""
    tables = ("evidence", "evidence_seals", "evidence_heads")
    asked = " UNION DISTINCT ".join(f"SELECT DISTINCT tenant, chain FROM {table}{where}" for table in tables)  # noqa: S608
    rows = _rows(ask, f"SELECT tenant, chain FROM ({asked}) ORDER BY tenant, chain")  # noqa: S608
    return [(row["tenant"].decode("utf-8", "replace"), row["chain"].decode("utf-8", "replace")) for row in rows]


class Reading:
    """The rows of one chain, as they are up to one head."""

    def __init__(self, ask: Ask, stored: Stored) -> None:
        """Raises Bad when the chain has no head, or rows that no head knows."""
        self._ask = ask
        self._of = stored
        self._where = f"WHERE tenant = {quoted(stored.tenant)} AND chain = {quoted(stored.chain)}"
        self.head = self._read_head()
        self._nothing_beyond()
        seals = self._read_seals()
        self.passed = [seal for seal in seals if seal.hour_ms < stored.since_ms]
        until = stored.until_ms
        self.seals = [each for each in seals[len(self.passed) :] if until is None or each.hour_ms < until]
        self.is_whole = len(self.passed) + len(self.seals) == len(seals)

    @property
    def first(self) -> int:
        """The number of the first entry to read."""
        return self.passed[-1].end if self.passed else 0

    @property
    def end(self) -> int:
        """The number after the last one."""
        if self.is_whole:
            return self.head.entries
        return self.seals[-1].end if self.seals else self.first

    def lines(self, with_passed: bool = True) -> Iterator[Entries | Line]:
        """Seals that are passed over, entries with their seals, what is not sealed yet, and the head."""
        if with_passed:
            yield from (seal.line._replace(kind="P") for seal in self.passed)
        seals = deque(self.seals)
        for page in self._pages(self.first, None if self.is_whole else self.end):
            done = 0
            while seals and page.columns[-1][0] >= seals[0].end:
                cut = bisect_left(page.columns, (seals[0].end,), done)
                yield from _part(page, done, cut)
                yield seals.popleft().line
                done = cut
            yield from _part(page, done, len(page.rows))
        yield from (seal.line for seal in seals)
        yield self.head.line

    def _pages(self, begin: int, end: int | None) -> Iterator[Entries]:
        """Entries ``begin`` to ``end``, some at a time; None: however many there are."""
        while end is None or begin < end:
            upto = begin + _PAGE if end is None else min(begin + _PAGE, end)
            columns = _columns(
                self._ask,
                "SELECT seq, version, toUnixTimestamp64Milli(at) AS at_ms, entry FROM evidence FINAL "  # noqa: S608
                f"{self._where} AND seq >= {begin} AND seq < {upto} AND version <= {self.head.version} ORDER BY seq",
            )
            if columns["seq"]:
                beside = list(zip(columns["seq"], columns["version"], columns["at_ms"], strict=True))
                yield Entries(columns["entry"], beside)
            elif end is None:
                return
            begin = upto

    def _read_head(self) -> Head:
        rows = _rows(
            self._ask,
            "SELECT version, entries, toUnixTimestamp64Milli(at) AS at_ms, head, signature "  # noqa: S608
            f"FROM evidence_heads FINAL {self._where}",
        )
        if not rows:
            raise Bad("the head is missing")
        row = rows[0]
        if not _says(row["head"], count=row["entries"], offset=row["version"], at=row["at_ms"]):
            raise Bad("the head was altered: the columns of its row say otherwise")
        return Head(row["version"], row["entries"], Line("H", row["head"], row["signature"].decode("utf-8", "replace")))

    def _read_seals(self) -> list[SealedHour]:
        rows = _rows(
            self._ask,
            "SELECT number, toUnixTimestamp64Milli(hour) AS hour_ms, first, entries, version, seal, signature "  # noqa: S608
            f"FROM evidence_seals FINAL {self._where} AND version <= {self.head.version} ORDER BY number",
        )
        for row in rows:
            stated = {"number": row["number"], "hour": row["hour_ms"], "first": row["first"], "offset": row["version"]}
            if not _says(row["seal"], **stated):
                raise Bad(f"seal {row['number']} was altered: the columns of its row say otherwise")
        return [
            SealedHour(
                row["number"],
                row["hour_ms"],
                row["first"],
                row["entries"],
                Line("S", row["seal"], row["signature"].decode("utf-8", "replace")),
            )
            for row in rows
        ]

    def _nothing_beyond(self) -> None:
        """Rows that are newer than the head are being written; the head that knows them comes at once, or never."""
        last = max(self._newest("evidence"), self._newest("evidence_seals"))
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        while last > self._read_head().version:
            if time.monotonic() > deadline:
                raise Bad(f"entry {self.head.entries} is too much: the head knows {self.head.entries} entries")
            time.sleep(0.5)

    def _newest(self, table: str) -> int:
        [row] = _rows(self._ask, f"SELECT max(version) AS version FROM {table} {self._where}")  # noqa: S608
        version: int = row["version"]
        return version


def _part(page: Entries, begin: int, end: int) -> Iterator[Entries]:
    if begin < end:
        yield Entries(page.rows[begin:end], page.columns[begin:end])


def _says(content: bytes, **stated: int) -> bool:
    """Whether the bytes of a seal or head have these fields."""
    return all(re.search(rb'[{,]"%b":%d[,}]' % (name.encode(), value), content) for name, value in stated.items())


def _rows(ask: Ask, sql: str) -> list[dict[str, Any]]:
    columns = _columns(ask, sql)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _columns(ask: Ask, sql: str) -> dict[str, list[Any]]:
    """Texts as bytes: what was altered may be no text any more."""
    table = pa.ipc.open_stream(ask(sql, "ArrowStream")).read_all()
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        columns[name] = (column.cast(pa.binary()) if pa.types.is_string(column.type) else column).to_pylist()
    return columns
