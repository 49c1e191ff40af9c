"""What can never be an event among what is: a dead letter each, with its bytes, and its neighbours go through."""

import json
import subprocess
import sys
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from streams.privacy.refused import hidden
from tests.e2e.events import event, metric
from tests.e2e.pipeline import Pipeline, Record, pipeline, publish

SECRET = "hunter2"
"""In every bad record that can hold it; in no log and no reason."""
LETTER_BYTES = 900_000
"""Of a dead letter's copy in Kafka."""


class Bad(NamedTuple):
    """A record, and why it is refused."""

    reason: str
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def changed(at: float, **data: Any) -> bytes:
    """A good metric event but for some fields of its data; None takes a field away."""
    fields = {"service": "shop", "name": "jobs", "kind": "gauge", "value": 1.0, "labels": {"k": SECRET}} | data
    return event("metric", at, **{name: value for name, value in fields.items() if value is not None})


def bad_records(now: float) -> list[Bad]:
    good = metric(now, "jobs", 1.5, word=SECRET)
    at = {year: 86_400 * 365.25 * (year - 1970) for year in (1970, 2100, 2150)}
    many = {f"label_{number}": "x" for number in range(10_000)}
    return [
        Bad("tombstone", None),
        Bad("malformed_json", b""),
        Bad("malformed_json", good[:-1]),
        Bad("malformed_json", SECRET.encode()),
        Bad("malformed_json", good.replace(b"1.5", b"NaN")),
        Bad("malformed_json", good.replace(b"1.5", b"Infinity")),
        Bad("malformed_json", good.replace(b"1.5", b"-Infinity")),
        Bad("invalid_field", good.replace(b"1.5", b"1e999")),
        Bad("invalid_utf8", good.replace(b'"shop"', b'"sh\xffop"')),
        Bad("malformed_json", good.replace(b'"shop"', b'"sh\\ud800op"')),
        Bad("unknown_type", good.replace(b"tidewatch.metric", b"tidewatch.hunter2")),
        Bad("invalid_field", b"[" + good + b"]"),
        Bad("invalid_field", good.replace(b'"id"', b'"di"')),
        Bad("invalid_field", changed(now, name=None)),
        Bad("invalid_field", changed(now, value=SECRET)),
        Bad("invalid_field", changed(now, service=7)),
        Bad("invalid_field", changed(now, kind="counter", value=-1)),
        Bad("invalid_field", changed(now, password=SECRET)),
        Bad("invalid_field", good.replace(b"Z", b"")),
        Bad("too_deep", b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
        Bad("too_large", changed(now, labels={"k": "x" * 990_000})),
        Bad("duplicate_key", good.replace(b'"kind": "gauge"', b'"kind": "gauge", "kind": "gauge"')),
        Bad("duplicate_key", good.replace(b'"id"', b'"id": "hunter2", "id"')),
        Bad("time_out_of_range", metric(at[1970], "jobs", 1)),
        Bad("future", metric(at[2100], "jobs", 1)),
        Bad("future", metric(now + 3600, "jobs", 1)),
        Bad("time_out_of_range", metric(at[2150], "jobs", 1)),
        Bad("invalid_label", changed(now, labels=many)),
        Bad("invalid_label", changed(now, labels={'quo"te': SECRET})),
        Bad("invalid_label", changed(now, labels={"new\nline": SECRET})),
        Bad("invalid_label", changed(now, labels={"k": f"{SECRET}\n"})),
        Bad("unsupported_format", good, [("content-type", b"application/cloudevents+avro")]),
        Bad("unsupported_format", b"<a/>", [("content-type", b"text/xml"), ("ce_type", b"tidewatch.metric")]),
        Bad("invalid_field", b"{}", [("ce_type", b"tidewatch.metric"), ("ce_id", b"1")]),
    ]


def among_good(bad: list[Bad], now: float) -> list[Record]:
    """A good record before and after each bad one, all in one partition: the odd offsets are bad."""
    records: list[Record] = [(0, metric(now, "jobs", 0))]
    for number, each in enumerate(bad, 1):
        records += [(0, each.value, list(each.headers)), (0, metric(now, "jobs", number))]
    return records


def letters(running: Pipeline, count: int) -> list[Message]:
    """The topic of dead letters."""
    consumer = Consumer({"bootstrap.servers": running.bootstrap, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(running.topics["dead_letters"], 0, 0)])
    try:
        found: list[Message] = consumer.consume(count + 1, timeout=5)
    finally:
        consumer.close()
    assert all(message.error() is None for message in found)
    return found


@pytest.mark.slow
def test_every_bad_record_is_a_dead_letter_and_its_neighbours_go_through(kafka: str, tmp_path: Path) -> None:
    now = round(time.time()) - 60
    bad = bad_records(now)
    expected = {(2 * number + 1): each for number, each in enumerate(bad)}
    with pipeline(tmp_path, kafka) as running:
        running.start()
        topics = [running.topics[field] for field in ("metrics", "security", "processing")]
        for topic in topics:
            publish(kafka, topic, among_good(bad, now))
        rows = "SELECT count() FROM raw_metrics"
        running.wait(lambda: running.value(rows) == len(topics) * (len(bad) + 1), "the good neighbours")
        refused = "SELECT count() FROM dead_letters"
        running.wait(lambda: running.value(refused) == len(topics) * len(bad), "the dead letters")

        for topic in topics:
            stored = running.query(
                "SELECT _partition, _offset, reason, base64Encode(value) AS bytes, length(detail) AS said"
                f" FROM dead_letters WHERE _topic = '{topic}' ORDER BY _offset"
            )
            assert [(row["_partition"], row["_offset"], row["reason"]) for row in stored] == [
                (0, offset, each.reason) for offset, each in expected.items()
            ]
            assert [b64decode(row["bytes"]) for row in stored] == [hidden(each.value or b"") for each in bad]
            assert all(row["said"] for row in stored)
            good = running.query(f"SELECT _offset, value FROM raw_metrics WHERE _topic = '{topic}' ORDER BY _offset")
            assert [(row["_offset"], row["value"]) for row in good] == [(2 * n, n) for n in range(len(bad) + 1)]

        told = letters(running, len(topics) * len(bad))
        assert len(told) == len(topics) * len(bad)
        for message in told:
            about = {name.removeprefix("tidewatch-"): text.decode() for name, text in message.headers()}
            each = expected[int(about["offset"])]
            assert (about["topic"] in topics, about["partition"], about["reason"]) == (True, "0", each.reason)
            assert about["detail"]
            assert SECRET not in about["detail"]
            assert message.value() == hidden(each.value or b"")[:LETTER_BYTES]

        counts = Counter(each.reason for each in bad)
        listed = json.loads(running.tidewatch("deadletters", "--json").stdout)
        assert {row["reason"]: row["records"] for row in listed["reasons"]} == {
            reason: len(topics) * count for reason, count in counts.items()
        }
        for reason, count in counts.items():
            counted = running.metric("tidewatch_dead_letters_total", reason=reason)
            assert counted == len(topics) * count
        running.send("metrics", metric(now, "jobs", 1))
        running.wait(lambda: running.value(rows) == len(topics) * (len(bad) + 1) + 1, "one more event")
        running.stop()
    assert SECRET not in running.log.read_text()


def config_of(text: str) -> Callable[[Pipeline], str]:
    """Adds a line to the configuration, and says where it is."""

    def spoil(running: Pipeline) -> str:
        with running.config.open("a") as file:
            file.write(text)
        return f"{running.config}:{len(running.config.read_text().splitlines())}: "

    return spoil


def rules_of(text: str, line: int) -> Callable[[Pipeline], str]:
    """Names a rule file, and says where it is wrong."""

    def spoil(running: Pipeline) -> str:
        rules = running.directory / "rules.yml"
        rules.write_text(text)
        with running.config.open("a") as file:
            file.write(f"[rules]\nfiles = ['{rules}']\n")
        return f"{rules}:{line}:"

    return spoil


BROKEN = {
    "no TOML": (config_of("group 'a'\n"), "not TOML"),
    "an unknown setting": (config_of("[limits]\nlabel = 3\n"), "did you mean labels?"),
    "a wrong type": (config_of("[limits]\nlabels = 'many'\n"), "for example: labels = 64"),
    "no YAML": (rules_of("groups:\n  - name: a\n   rules: []\n", 3), "YAML"),
    "no PromQL": (
        rules_of("groups:\n  - name: a\n    rules:\n      - alert: A\n        expr: up ==\n", 5),
        "expr",
    ),
    "an unknown field": (
        rules_of("groups:\n  - name: a\n    rules:\n      - alert: A\n        exp: up\n        expr: up\n", 5),
        "write 'expr'",
    ),
}


@pytest.mark.parametrize("spoil, hint", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_stops_the_start(spoil: Callable[[Pipeline], str], hint: str, kafka: str, tmp_path: Path) -> None:
    """With its name, the line, and what to write instead; nothing has been read or created by then."""
    with pipeline(tmp_path, kafka) as running:
        place = spoil(running)

        said = running.tidewatch("worker", status=1).stderr

        assert place in said
        assert hint in said
        assert "Traceback" not in said
        assert not (tmp_path / "clickhouse").exists()


@pytest.mark.slow
def test_tables_that_are_not_as_their_files_say_stop_the_start(kafka: str, tmp_path: Path) -> None:
    """Somebody dropped a column."""
    with pipeline(tmp_path, kafka) as running:
        running.start()
        running.stop()
        alter = "ALTER TABLE tidewatch.raw_metrics DROP COLUMN unit"
        script = f"import chdb.session; chdb.session.Session({str(tmp_path / 'clickhouse')!r}).query({alter!r})"
        subprocess.run([sys.executable, "-c", script], check=True)

        said = running.tidewatch("worker", status=1).stderr

        assert "raw_metrics: column unit is missing: mend it with ALTER TABLE" in said
        assert "Traceback" not in said
