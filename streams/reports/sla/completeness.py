"""How complete the data under a report is: what came, late or not at all, what was refused, and when all was silent."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from streams.reports.asking import Ask, between, listed, rows
from streams.reports.document import Column, Figure, Row, Section, Table, Tone
from streams.reports.sla.scope import MINUTE_MS, Scope
from streams.stored.sql import MADE, text

RECEIVED, LATE, COUNTED, RECORDS, SILENT = (
    "events received",
    "late events",
    "events in windows",
    "records of the topics",
    "minutes with events",
)

SILENT_MINUTES = 5
"""Shorter silences are not told."""
_MOST_SILENCES = 10

_RAW = ("raw_metrics", "raw_security", "raw_processing", "raw_health")
_PARTITION = "_topic, _partition, _incarnation"

_PARTITIONS = (
    *(Column(name=name) for name in ("topic", "partition", "events of the period", "records", "stored")),
    *(Column(name=name) for name in ("dead letters", "missing")),
)


def queries(scope: Scope) -> dict[str, str]:
    """Name -> SQL."""
    return {
        RECEIVED: _received(scope),
        LATE: _late(scope),
        COUNTED: _counted(scope),
        RECORDS: _records(scope),
        SILENT: _silent(scope),
    }


def section(ask: Ask, scope: Scope) -> tuple[Section, float | None]:
    """The section, and the share of what should have been counted that was, in percent; None: nothing came."""
    received = {row["type"]: row["events"] for row in rows(ask, _received(scope))}
    late = rows(ask, _late(scope))[0]["late"] or 0
    counted = rows(ask, _counted(scope))[0]
    dropped = max(counted["received"] - counted["counted"], 0)
    partitions = rows(ask, _records(scope))
    silences = list(_silences([row["minute"] for row in rows(ask, _silent(scope))], scope))
    dead, missing = (sum(row[name] for row in partitions) for name in ("dead", "missing"))
    events = sum(received.values())
    whole = events + dead + missing
    complete = 100 * (events - dropped) / whole if whole else None
    silent = sum(end - start for start, end in silences)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in received.items() if count)
    found = Section(
        title="Completeness",
        text="What this report rests on. Events are those whose time lies in the period; records are what stands "
        "between the first and the last of them in each partition of the topics, whoever sent it.",
        figures=(
            Figure(
                name="Completeness",
                value=complete,
                unit="%",
                tone=_tone(complete),
                note="events that count, among all that should",
                query=RECORDS,
            ),
            Figure(name="Received", value=events, note=kinds or "nothing came", query=RECEIVED),
            Figure(name="Late", value=late, note="came after their minute had closed, and revised it", query=LATE),
            _defect("Dropped", dropped, "metric events in no window: too late, or not closed yet", COUNTED),
            _defect("Dead letters", dead, "records that are no events", RECORDS),
            _defect("Missing", missing, "records between others that were never stored", RECORDS),
            Figure(
                name="Silent",
                value=silent,
                unit="min",
                tone="warning" if silent else "good",
                note=f"no event at all, for more than {SILENT_MINUTES} min",
                query=SILENT,
            ),
        ),
        tables=(_partition_table(partitions), _silence_table(silences)),
    )
    return found, complete


def _defect(name: str, count: int, note: str, query: str) -> Figure:
    return Figure(name=name, value=count, tone="warning" if count else "good", note=note, query=query)


def _tone(complete: float | None) -> Tone:
    return "" if complete is None else "good" if complete == 100 else "warning"


def _received(scope: Scope) -> str:
    each = [
        f"SELECT '{table.removeprefix('raw_')}' AS type, count() AS events FROM {table}\n    WHERE {_of(scope)}"  # noqa: S608
        for table in _RAW
    ]
    return " UNION ALL\n".join(each)


def _of(scope: Scope) -> str:
    return (
        f"tenant = {text(scope.tenant)} AND {between('time', scope.period.start_ms, scope.period.end_ms)}"
        f"{scope.of_service()}"
    )


def _late(scope: Scope) -> str:
    """A batch counts as late what lies in minutes that the batches before it, in its partition, had closed."""
    each = " UNION ALL\n".join(
        f"        SELECT {_PARTITION}, ingested_at, time FROM {table} WHERE {_of(scope)}"  # noqa: S608
        for table in _RAW
    )
    lag = f"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - {scope.out_of_orderness_ms}"
    return (
        "SELECT toUInt64(sum(arraySum((minute, events) -> if((minute + 1) * 60000 <= reached, events, 0),"
        " minutes.1, minutes.2))) AS late\nFROM\n(\n"
        f"    SELECT\n        minutes,\n        max(high) OVER (PARTITION BY {_PARTITION} ORDER BY ingested_at\n"
        f"            {lag} AS reached\n    FROM\n    (\n"
        f"        SELECT {_PARTITION}, ingested_at, max(toUnixTimestamp64Milli(time)) AS high,\n"
        "            sumMap([intDiv(toUnixTimestamp64Milli(time), 60000)], [toUInt64(1)]) AS minutes\n"
        f"        FROM\n        (\n{each}\n        )\n        GROUP BY {_PARTITION}, ingested_at\n    )\n)"
    )


def _counted(scope: Scope) -> str:
    """Metric events, and how many of them stand in the smallest windows, as far as these are closed."""
    made = listed(sorted(events.name for events in MADE))
    seconds = scope.window_ms // 1000
    windows = (
        f"windows FINAL\n        WHERE tenant = {text(scope.tenant)} AND window_seconds = {seconds}"
        f"{scope.of_service()}\n        AND name NOT IN {made}"
        f"\n        AND {between('window_start', scope.period.start_ms, scope.period.end_ms)}"
    )
    closed = f"SELECT max(window_start) + INTERVAL {seconds} SECOND FROM {windows}"  # noqa: S608 - quoted
    return (
        "SELECT\n    (\n        SELECT count() FROM raw_metrics\n"  # noqa: S608
        f"        WHERE {_of(scope)}\n        AND time < ({closed})\n"
        f"    ) AS received,\n    (\n        SELECT sum(count) FROM {windows}\n    ) AS counted"
    )


def _records(scope: Scope) -> str:
    inside = " UNION ALL\n".join(
        f"        SELECT {_PARTITION}, _offset FROM {table} WHERE {_of(scope)}"  # noqa: S608
        for table in _RAW
    )
    stored = " UNION ALL\n".join(
        f"    SELECT {_PARTITION}, _offset, {int(table == 'dead_letters')} AS is_dead FROM {table}"  # noqa: S608
        for table in (*_RAW, "dead_letters")
    )
    return (
        "SELECT\n    _topic AS topic,\n    _partition AS partition,\n    any(p.events) AS events,\n"
        "    any(p.last - p.first + 1) AS records,\n    count() AS stored,\n"
        "    countIf(is_dead = 1) AS dead,\n    toInt64(records) - toInt64(stored) AS missing\n"
        f"FROM\n(\n{stored}\n) AS r\nINNER JOIN\n(\n"
        f"    SELECT {_PARTITION}, toInt64(count()) AS events, min(_offset) AS first, max(_offset) AS last\n"
        f"    FROM\n    (\n{inside}\n    )\n    GROUP BY {_PARTITION}\n) AS p USING ({_PARTITION})\n"
        f"WHERE r._offset >= p.first AND r._offset <= p.last\nGROUP BY {_PARTITION}\nORDER BY topic, partition"
    )


def _silent(scope: Scope) -> str:
    each = " UNION ALL\n".join(
        f"    SELECT DISTINCT intDiv(toUnixTimestamp64Milli(time), 60000) AS minute FROM {table} WHERE {_of(scope)}"  # noqa: S608
        for table in _RAW
    )
    return f"SELECT DISTINCT minute\nFROM\n(\n{each}\n)\nORDER BY minute"


def _silences(minutes: Sequence[int], scope: Scope) -> Iterator[tuple[int, int]]:
    """Runs of minutes without any event, [from, to)."""
    first, last = scope.minutes
    for before, after in pairwise([first - 1, *minutes, last]):
        if after - before - 1 > SILENT_MINUTES:
            yield before + 1, after


def _partition_table(partitions: Sequence[dict[str, Any]]) -> Table:
    return Table(
        title="Records of the topics",
        columns=_PARTITIONS,
        rows=tuple(
            Row(
                cells=(
                    *(row["topic"], row["partition"], row["events"], row["records"], row["stored"]),
                    *(row["dead"], row["missing"]),
                ),
                tone="warning" if row["dead"] or row["missing"] else "good",
            )
            for row in partitions
        ),
        none="Nothing is stored of the period.",
        query=RECORDS,
    )


def _silence_table(silences: Sequence[tuple[int, int]]) -> Table:
    longest = sorted(sorted(silences, key=lambda one: one[0] - one[1])[:_MOST_SILENCES])
    more = len(silences) - len(longest)
    return Table(
        title="Silences",
        columns=(Column(name="from", unit="time"), Column(name="to", unit="time"), Column(name="length", unit="min")),
        rows=tuple(Row(cells=(start * MINUTE_MS, end * MINUTE_MS, end - start)) for start, end in longest),
        none=f"None longer than {SILENT_MINUTES} min.",
        note=f"And {more} shorter ones." if more > 0 else "",
        query=SILENT,
    )
