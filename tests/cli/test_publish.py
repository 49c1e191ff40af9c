"""``tidewatch publish`` and ``tidewatch replay`` from the command line to records in a broker."""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from click.testing import CliRunner, Result

from embedded.broker import Broker
from schemas import cloudevents
from schemas.events import health, metric, processing, security
from streams.cli import main, publish
from tests.servers.ports import free_ports

DATA = Path(__file__).parents[2] / "demo" / "data"
FRONT = str(DATA / "nezha" / "front_service.csv")
AUTH = str(DATA / "authlog" / "auth.log")
CLOUDTRAIL = str(DATA / "cloudtrail" / "cloudtrail.ndjson")
EXAMPLES = (metric.EXAMPLE, security.EXAMPLE, processing.EXAMPLE, health.EXAMPLE)
GOOD = [json.dumps(example).encode() for example in EXAMPLES]


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with Broker() as running:
        yield running.bootstrap_servers


def tidewatch(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def stored(bootstrap_servers: str, topic: str) -> list[Any]:
    """Every record of a topic."""

    async def read() -> list[Any]:
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest", fetch_max_wait_ms=50
        ) as consumer:
            records: list[Any] = []
            ends = await consumer.end_offsets(consumer.assignment())
            while len(records) < sum(ends.values()):
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    records += batch
            return records

    return asyncio.run(asyncio.wait_for(read(), 30))


def configured(monkeypatch: pytest.MonkeyPatch) -> str:
    """Topics of this test's own; their prefix."""
    prefix = uuid.uuid4().hex[:8] + "."
    for name, topic in (("METRICS", "metrics"), ("SECURITY", "security"), ("PROCESSING", "data-processing")):
        monkeypatch.setenv(f"TIDEWATCH_TOPICS_{name}", prefix + topic)
    return prefix


# --- publish ----------------------------------------------------------------------------------------------------------


@pytest.mark.kafka
def test_publish_and_replay_on_apache_kafka(kafka: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both commands, to a real broker: every event once, on the topic of its type."""
    prefix = configured(monkeypatch)
    result = tidewatch("publish", "-", "--bootstrap-servers", kafka, "--json", stdin=b"\n".join(GOOD))
    assert result.exit_code == 0, result.output
    result = tidewatch("replay", AUTH, FRONT, "--speed", "max", "--bootstrap-servers", kafka, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["published"] == 165 + 12_960
    assert len(stored(kafka, prefix + "metrics")) == 2 + 12_960
    assert len(stored(kafka, prefix + "security")) == 1 + 165
    assert len(stored(kafka, prefix + "data-processing")) == 1


def test_publish_sends_each_line_as_it_is(broker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bytes of the file, keyed by tenant and service; the last line needs no line break."""
    prefix = configured(monkeypatch)
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n\n" + b"\r\n".join(GOOD))
    result = tidewatch("publish", str(file), "--bootstrap-servers", broker)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("4 of 4 events published in ")
    assert {(record.key, record.value) for record in stored(broker, prefix + "metrics")} == {
        (b"default/checkout", GOOD[0]),
        (b"default/registry", GOOD[3]),
    }


def test_publish_reports_bad_lines_by_their_number(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go through; status 1; the content of a bad line is not repeated."""
    prefix = configured(monkeypatch)
    lines = [GOOD[0], b'{"secret": 1}', b"", b"secret", GOOD[0]]
    result = tidewatch("publish", "-", "--bootstrap-servers", broker, "--json", stdin=b"\n".join(lines))
    summary = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (summary["read"], summary["published"], summary["refused"], summary["failed"]) == (4, 2, 2, 0)
    assert [(problem["line"], problem["category"]) for problem in summary["problems"]] == [
        (2, "invalid_field"),
        (4, "malformed_json"),
    ]
    assert result.stderr.startswith("line 2: invalid_field: the event: object missing required field `type`\nline 4: ")
    assert "secret" not in result.output
    assert len(stored(broker, prefix + "metrics")) == 2


def test_strict_stops_at_the_first_bad_line(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before it is stored."""
    prefix = configured(monkeypatch)
    lines = b"\n".join([GOOD[0], b"{}", GOOD[0]])
    result = tidewatch("publish", "-", "--strict", "--bootstrap-servers", broker, stdin=lines)
    assert result.exit_code == 1
    assert len(stored(broker, prefix + "metrics")) == 1


def test_raw_lines_are_not_looked_at(broker: str) -> None:
    """For testing what a worker does with them."""
    topic = uuid.uuid4().hex
    result = tidewatch("publish", "-", "--raw", "--topic", topic, "--bootstrap-servers", broker, stdin=b"{\n\xff\n")
    assert result.exit_code == 0
    assert {record.value for record in stored(broker, topic)} == {b"{", b"\xff"}


def test_many_bad_lines_are_counted_but_not_all_listed(broker: str) -> None:
    """A wrong file must not fill the terminal."""
    result = tidewatch("publish", "-", "--json", "--bootstrap-servers", broker, stdin=b"{\n" * 1000)
    summary = json.loads(result.stdout)
    assert summary["refused"] == 1000
    assert len(summary["problems"]) == publish.PROBLEMS_KEPT
    assert len(result.stderr.splitlines()) == publish.PROBLEMS_KEPT + 1


@pytest.mark.parametrize("command", [["publish", "-"], ["replay", AUTH]])
def test_without_a_broker_the_status_is_1_and_the_sentence_says_what_to_do(command: list[str]) -> None:
    """No traceback."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    result = tidewatch(*command, "--bootstrap-servers", address, stdin=GOOD[0])
    assert result.exit_code == 1
    assert f"Error: no Kafka broker answers at {address}" in result.stderr


# --- replay -----------------------------------------------------------------------------------------------------------


def test_replay_merges_files_by_time(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """2017's log, then 2023's trail, whatever their order on the command line."""
    prefix = configured(monkeypatch)
    arguments = ("replay", CLOUDTRAIL, AUTH, "--speed", "max", "--limit", "170", "--bootstrap-servers", broker)
    result = tidewatch(*arguments, "--json")
    summary = json.loads(result.stdout)
    assert (summary["published"], summary["by_type"]) == (170, {"tidewatch.security": 170})
    assert (summary["first_time"], summary["last_time"][:7]) == ("2017-03-30T14:38:25Z", "2023-07")
    events = [cloudevents.decode(record.value) for record in stored(broker, prefix + "security")]
    assert Counter(event.time.year for event in events) == {2017: 165, 2023: 5}


def test_replay_shifts_to_now_in_whole_minutes(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At full speed the last event is of the last minute, and none is ahead of the clock."""
    prefix = configured(monkeypatch)
    before = time.time()
    arguments = ("replay", AUTH, "--speed", "max", "--shift-to-now", "--bootstrap-servers", broker, "--json")
    summary = json.loads(tidewatch(*arguments).stdout)
    times = [cloudevents.decode(record.value).time.timestamp() for record in stored(broker, prefix + "security")]
    assert before - 60 <= max(times) <= before + 60
    assert max(times) <= time.time()
    assert max(times) - min(times) == (16 - 14) * 3600 + (20 - 38) * 60 + (4 - 25)
    assert summary["shifted_seconds"] % 60 == 0


def test_replay_keeps_the_pace_of_its_speed(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours of data at 36,000x take 0.2 s and not much less."""
    configured(monkeypatch)
    arguments = ("replay", AUTH, "--speed", "36000x", "--bootstrap-servers", broker, "--json")
    seconds = json.loads(tidewatch(*arguments).stdout)["seconds"]
    assert seconds >= (2 * 3600 - 18 * 60) / 36_000


def test_replay_to_another_service_tenant_and_topic(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a data set can be tried beside real events."""
    prefix = configured(monkeypatch)
    options = ("--service", "gate", "--tenant", "acme", "--topic-prefix", "try.", "--limit", "3", "--speed", "max")
    assert tidewatch("replay", AUTH, *options, "--bootstrap-servers", broker).exit_code == 0
    records = stored(broker, f"try.{prefix}security")
    assert [record.key for record in records] == [b"acme/gate"] * 3


@pytest.mark.parametrize(
    "arguments, said",
    [
        ([AUTH, "--speed", "fast"], "fast is no speed; write for example 60x"),
        ([AUTH, "--speed", "0"], "0 is no speed"),
        ([AUTH, "--format", "csv"], "csv is no format; one of auto, authlog"),
        (["missing.log"], "'missing.log' does not exist"),
        ([], "Missing argument 'FILES...'"),
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: list[str], said: str) -> None:
    """With what to write instead."""
    result = tidewatch("replay", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_of_another_format_is_status_1_with_its_line(broker: str) -> None:
    """The formats' own sentences reach the user."""
    result = tidewatch("replay", AUTH, "--format", "cloudtrail", "--bootstrap-servers", broker)
    assert result.exit_code == 1
    assert "auth.log, line 1: not a CloudTrail record" in result.stderr
