"""A person is erased while the worker runs: nothing that Tidewatch keeps names it any more, and every sum stays."""

import json
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from pypdf import PdfReader

from tests.e2e.disguises import Disguises
from tests.e2e.events import event, metric
from tests.e2e.pipeline import Pipeline, pipeline, pseudonyms
from tests.servers.kafka import KafkaServer

ALICE, ADDRESS, CONSENT = "Alice.Liddell@wonder.example", "198.51.100.77", "consent-8842-liddell"
NAMES = (ALICE, "alice.liddell", "liddell", ADDRESS, "4111111111111111", "4111 1111 1111 1111", "123-45-6789")
DISGUISES = Disguises(NAMES)
ESCAPED = quote(ALICE, safe="")
BOB = "bob.dodgson"
SERVICES = ("metrics", "security", "processing")
"""Topics of the services, by their fields of the configuration: what they hold is theirs."""


def told(now: float) -> Iterator[tuple[str, bytes]]:
    """Topic and record of what is published: about Alice in every way that there is, and about Bob."""
    for number in range(20):
        at = now + number
        yield "processing", event(
            "processing", at, service="crm", operation="export", data_subject=ALICE, consent_id=CONSENT, actor=BOB,
            purpose=f"answer to {ALICE}", attributes={
                "email": ALICE, "card": "4111111111111111", "link": f"https://crm.example/?who={ESCAPED}&page=1",
                "loud": f"for {ALICE.upper()}",
            },
        )  # fmt: skip
        yield "security", event(
            "security", at, service="sshd", kind="auth_failure", outcome="failure", actor=ALICE, address=ADDRESS,
            reason=f"Failed password for {ALICE.lower()} from {ADDRESS} port 22",
            action=f"GET /login?user={ESCAPED.lower()}",
        )  # fmt: skip
        yield "security", event("security", at, service="sshd", kind="auth_success", actor=BOB, address="192.0.2.1")
        yield "security", event("security", at, service="ward", kind="phi_access", actor=BOB, target=ALICE)
    yield "security", event("security", now, service="x", kind="nothing", actor=ALICE, reason="ssn 123-45-6789")
    yield "processing", f'{{"data_subject": "{ALICE}", "card": "4111 1111 1111 1111"'.encode()
    yield "metrics", f"liddell said: {ALICE}".encode() + b"\xff\xfe"
    yield "metrics", metric(now, "mails", 1, kind="counter", recipient=ALICE)


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
def test_a_name_is_found_whatever_it_wears(before: bytes) -> None:
    clothes = (b64encode(before + ALICE.encode() + b"."), ALICE.upper().encode(), ESCAPED.encode(), b"LIDDELL")
    clothes += (sha256(ALICE.lower().encode()).digest(), sha256(ALICE.encode()).hexdigest().encode())
    assert all(named(before + worn) for worn in clothes)
    assert not named(before + BOB.encode())


@pytest.mark.slow
def test_after_an_erasure_nothing_names_the_person_and_every_sum_stays(
    start_kafka: Callable[..., KafkaServer], tmp_path: Path
) -> None:
    server, now = start_kafka(), time.time() - 600
    (tmp_path / "worker").mkdir()
    with pipeline(tmp_path / "worker", server.bootstrap_servers, partitions=1) as running:
        running.start()
        known_as = pseudonyms(running).of("default", ALICE)
        published = list(told(now))
        for topic, value in published:
            running.send(topic, value)
        running.finish(len(published) - 3, now + 400)
        running.wait(lambda: running.value("SELECT count() FROM dead_letters") == 3, "the dead letters")
        assert revealed(running, known_as)["data_subject"] == ALICE
        before, counted = sums(running), running.value(f"SELECT count() FROM raw_security WHERE actor = '{known_as}'")
        assert counted == 20

        rotated(running)
        assert revealed(running, known_as)["actor"] == ALICE

        asked = ("--reason", f"{ALICE.upper()} asked, see https://mail.example/?from={ESCAPED}")
        erasing = running.tidewatch("erase", "--subject", ALICE, *asked, "--yes", "--json")
        erased = json.loads(erasing.stdout)

        assert (erased["person"], len(erased["keys"]), erased["rows"]) == (known_as, 1, 60)
        assert not named(said(erasing))
        assert sums(running) == before
        assert running.value(f"SELECT count() FROM raw_security WHERE actor = '{known_as}'") == counted
        revealing = running.tidewatch("reveal", known_as, "--reason", "x", status=1)
        assert "were destroyed" in revealing.stderr
        bob = pseudonyms(running).of("default", BOB)
        assert set(revealed(running, bob).values()) == {BOB}
        day = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
        for name, text in (*everything(running), *handed_over(running, day), ("reveal", said(revealing))):
            assert not DISGUISES.found_in(text), name
        assert sums(running) == before, "asking changed something"
        assert any(
            named(record) for record in records(running.bootstrap, TopicPartition(running.topics["security"], 0, 0))
        )
        running.stop()
    ours = [
        *files(tmp_path / "worker"),
        *files(server.data_dir / "data", {running.topics[field] for field in SERVICES}),
    ]
    assert len(ours) > 100
    assert {file: found for file in ours if (found := DISGUISES.found_in(file.read_bytes()))} == {}


def rotated(running: Pipeline) -> None:
    """The tenants' keys are replaced: keys of persons are wrapped anew, and no row of an event is touched."""
    rows = (
        "SELECT cityHash64(groupArray(sealed)) FROM"
        " (SELECT sealed FROM raw_security WHERE service != 'tidewatch' ORDER BY _partition, _offset)"
    )
    before = running.value(rows)
    wrapped = json.loads(running.tidewatch("keys", "rotate", "--json").stdout)["wrapped"]
    current = running.value("SELECT count() FROM subject_keys WHERE person != '' AND startsWith(wrapped, '2:')")
    assert 0 < wrapped <= current, "whom the worker met meanwhile has a key under the new root from the beginning"
    assert running.value("SELECT count() FROM subject_keys WHERE startsWith(wrapped, '1:')") == 0
    assert running.value(rows) == before


def revealed(running: Pipeline, person: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(running.tidewatch("reveal", person, "--reason", "a test", "--json").stdout)
    return answer


def sums(running: Pipeline) -> list[dict[str, Any]]:
    """Every window that has closed, but for those of Tidewatch's own commands, and of what only moves time on."""
    return running.query(
        "SELECT * EXCEPT (version, written_at) FROM windows FINAL WHERE service NOT IN ('tidewatch', 'the-end')"
        " ORDER BY ALL"
    )


def everything(running: Pipeline) -> Iterator[tuple[str, bytes]]:
    """All rows of all tables, and all records of all topics that are ours, as they are when nothing compresses them."""
    for row in running.query("SHOW TABLES"):
        table = row["name"]
        yield table, repr(running.query(f"SELECT * FROM {table}")).encode()
    yield "dead letters", running.tidewatch("deadletters", "--value", "--json").stdout.encode()
    yield "alerts", running.tidewatch("alerts", "list", "--all", "--json").stdout.encode()
    theirs = {running.topics[field] for field in SERVICES}
    known = AdminClient({"bootstrap.servers": running.bootstrap}).list_topics(timeout=10).topics
    for topic in sorted(set(running.topics.values()) - theirs):
        for partition in known[topic].partitions:
            yield topic, b"\n".join(records(running.bootstrap, TopicPartition(topic, partition, 0)))


def records(bootstrap: str, at: TopicPartition) -> Iterator[bytes]:
    """Keys, headers and values of a partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False})
    try:
        _, end = consumer.get_watermark_offsets(at, timeout=10)
        consumer.assign([at])
        while consumer.position([at])[0].offset < end and (message := consumer.poll(5)) is not None:
            yield repr((message.key(), message.headers(), message.value())).encode()
    finally:
        consumer.close()


def files(directory: Path, without: set[str] = frozenset()) -> Iterator[Path]:  # type: ignore[assignment]
    """All files below a directory but for those of some topics."""
    for file in directory.rglob("*"):
        if file.is_file() and file.relative_to(directory).parts[0].rpartition("-")[0] not in without:
            yield file


def named(data: bytes) -> bool:
    """Whether bytes name Alice, in whatever case or encoding."""
    return bool(DISGUISES.found_in(data))


def handed_over(running: Pipeline, day: str) -> Iterator[tuple[str, bytes]]:
    """What goes out to others, and all that the commands print: reports, the ledger, OCSF."""
    formats = {"compliance": ("terminal", "html", "md", "csv", "json", "pdf", "oscal"), "sla": ["pdf"], "cost": ["csv"]}
    for report, forms in formats.items():
        for form in forms:
            file = running.directory / f"{report}.{form}"
            asked = ("report", report, "--period", day, "--format", form, "--output", str(file))
            yield f"{report} as {form} says", said(running.tidewatch(*asked))
            yield file.name, text_of(file) if form == "pdf" else file.read_bytes()
    for what, *arguments in (("export",), ("ocsf", "--from", day)):
        file = running.directory / f"evidence.{what}"
        yield f"audit {what} says", said(running.tidewatch("audit", what, *arguments, str(file)))
        assert b"default" in file.read_bytes()
        yield file.name, file.read_bytes()
    yield "audit verify says", said(running.tidewatch("audit", "verify", "--json"))


def said(run: "subprocess.CompletedProcess[str]") -> bytes:
    return (run.stdout + run.stderr).encode()


def text_of(file: Path) -> bytes:
    """What a PDF shows, and what is attached to it."""
    pdf = PdfReader(file)
    shown = "\n".join(page.extract_text() for page in pdf.pages)
    assert "default" in shown
    return b"\n".join([shown.encode(), *(data for files in pdf.attachments.values() for data in files)])
