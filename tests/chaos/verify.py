"""Compares what is stored with the truth, exactly."""

from collections import Counter
from datetime import datetime
from typing import Any

import orjson

from schemas.config import Limits, Windows
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.ingest.ingest import Ingest
from tests.chaos.scene import Scene
from tests.chaos.truth import HOLD, PARTITIONS, Summary, Transition, Truth, Window

RAW = {"metrics": "raw_metrics", "security": "raw_security", "processing": "raw_processing"}
_PANE = 10
"""Seconds within which rules see a gauge change."""


def offsets(scene: Scene, truth: Truth) -> None:
    """Raw rows are what was published less the dead letters: per partition and offset no gap and nothing twice."""
    for topic, table in RAW.items():
        found = scene.query(
            "SELECT _partition AS p, count() AS rows, uniqExact(_offset) AS offsets, min(_offset) AS low,"
            f" max(_offset) AS high FROM ({_located(table, scene.topics[topic])}) GROUP BY p ORDER BY p"
        )
        lengths = [end + 1 for end in truth.ends(topic)]  # and what closes the windows
        assert found == [
            {"p": p, "rows": length, "offsets": length, "low": 0, "high": length - 1}
            for p, length in enumerate(lengths)
        ], f"{topic}: {found}"
        dead = scene.query(
            "SELECT _partition AS p, arraySort(groupArray(_offset)) AS offsets FROM dead_letters"
            f" WHERE _topic = '{scene.topics[topic]}' GROUP BY p ORDER BY p"
        )
        expected = {p: truth.dead(topic, p) for p in range(PARTITIONS)}
        assert {row["p"]: row["offsets"] for row in dead} == {p: at for p, at in expected.items() if at}, topic


def verdicts(scene: Scene, truth: Truth) -> None:
    """Every event that is judged has all of its verdicts, once."""
    for topic in ("security", "processing"):
        each = _verdicts_of(truth.second(topic, 0)[0], topic)
        events = sum(truth.ends(topic)) - sum(len(truth.dead(topic, p)) for p in range(PARTITIONS))
        where = f"FROM verdicts WHERE _topic = '{scene.topics[topic]}'"
        found = scene.value(f"SELECT count() {where}")
        wrong = scene.query(
            "SELECT _partition AS p, min(_offset) AS low, max(_offset) AS high, count() AS offsets, rows FROM"
            f" (SELECT _partition, _offset, count() AS rows {where} GROUP BY _partition, _offset)"
            f" WHERE rows != {each} GROUP BY p, rows ORDER BY p"
        )
        assert found == each * events, f"{topic}: {found} of {each} times {events}; offsets with others: {wrong}"
        assert not wrong, f"{topic}: offsets that have not {each}: {wrong}"


def windows(scene: Scene, truth: Truth) -> None:
    """Every window of every series has the count, sum, minimum and maximum of what was published."""
    found, expected = stored_windows(scene, truth), truth.windows()
    wrong = {at: (found.get(at), row) for at, row in expected.items() if found.get(at) != row}
    assert not wrong, f"{len(wrong)} windows, such as (found, expected): {list(wrong.items())[:3]}"
    assert found.keys() == expected.keys()


def stored_windows(scene: Scene, truth: Truth) -> dict[Window, Summary]:
    """The windows that can be compared."""
    rows = scene.query(
        "SELECT name, service, window_seconds AS size, toUnixTimestamp(window_start) AS start, count, sum, min, max"
        f" FROM windows FINAL WHERE name IN ('jobs_done', 'work_ms') AND start < {truth.start + truth.seconds}"
    )
    return {
        (row["name"], row["service"], row["size"], row["start"]): Summary(
            row["count"], row["sum"], row["min"], row["max"]
        )
        for row in rows
    }


def transitions(scene: Scene, truth: Truth) -> None:
    """The history of alerts is what the truth implies: nothing lost, nothing twice, and no ``for`` begun anew."""
    found, expected = stored_transitions(scene), truth.transitions()
    missing, extra = Counter(expected) - Counter(found.elements()), found - Counter(expected)
    assert not missing and not extra, f"lost: {sorted(missing)}; there, but not implied: {sorted(extra.elements())}"


def stored_transitions(scene: Scene) -> Counter[Transition]:
    """Times as the truth has them. Of a firing alert its beginning: it must have been pending for exactly ``for``."""
    rows = scene.query(
        "SELECT labels['service'] AS oven, state, toUnixTimestamp64Milli(active_at) AS active_ms,"
        " toUnixTimestamp64Milli(changed_at) AS changed_ms FROM alert_history FINAL WHERE rule = 'Hot' AND reason IN"
        " ('condition_true', 'held_for', 'condition_false')"
    )
    return Counter(transition(**row) for row in rows)


def transition(oven: str, state: str, active_ms: int, changed_ms: int) -> Transition:
    """A row of the history as the truth has it. Rules see a change at some tick, which lies between two seconds too."""
    assert state != "firing" or changed_ms - active_ms == HOLD * 1000, (oven, state, active_ms, changed_ms)
    return Transition(oven, state, _pane((changed_ms if state in ("resolved", "inactive") else active_ms) / 1000))


def told(scene: Scene, truth: Truth) -> tuple[int, int]:
    """What Alertmanager was told fired when the truth says, and is over. (beginnings told, beginnings)."""
    posted = [alert for body in scene.bodies for alert in orjson.loads(body) if alert["labels"]["alertname"] == "Hot"]
    began = {(alert["labels"]["service"], _pane(_unix(alert["startsAt"]) - HOLD)) for alert in posted}
    expected = {(oven, since) for oven, state, since in truth.transitions() if state == "firing"}
    assert began <= expected, f"told of alerts that never were: {sorted(began - expected)}"
    last = {alert["labels"]["service"]: alert for alert in posted}
    over = {oven for oven, alert in last.items() if _unix(alert["endsAt"]) <= truth.start + truth.seconds + _PANE}
    assert over == {oven for oven, _ in expected}, f"not told to be over: {expected} {over}"
    return len(began), len(expected)


def _located(table: str, topic: str) -> str:
    where = f"WHERE _topic = '{topic}'"
    return (
        f"SELECT _partition, _offset FROM {table} {where}"
        f" UNION ALL SELECT _partition, _offset FROM raw_metrics {where} AND '{table}' != 'raw_metrics'"
        f" UNION ALL SELECT _partition, _offset FROM dead_letters {where}"
    )


def _verdicts_of(value: bytes, topic: str) -> int:
    batch = RecordBatch(Partition(topic, 0), range(1), [value], None, [0], 1)
    rows: dict[str, Any] = dict(Ingest(Windows(), Limits(), judge)(batch, 2**42, "one").raw)
    return len(rows["verdicts"]["_partition"])


def _pane(at: float) -> int:
    """A change that rules see at ``at`` began in the pane before, or in the one that was still open."""
    return int(-(-at // _PANE) * _PANE - _PANE)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def stored_rows(scene: Scene) -> int:
    """Raw rows and dead letters."""
    tables = [*RAW.values(), "dead_letters"]
    return int(scene.value("SELECT " + " + ".join(f"(SELECT count() FROM {table})" for table in tables)) or 0)
