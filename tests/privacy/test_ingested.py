"""Whatever is published, nothing that a batch becomes names a person, but the secrets that are still to be sealed."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import Limits, Windows
from schemas.tables import Coded
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.evidence.records import encode
from streams.ingest.ingest import Ingest, Ingested
from streams.privacy.rules import FIELDS
from streams.windows import deltas
from tests.privacy.events import NOW, protection

NAME = "Zaphod.Q-Beeblebrox"
"""Nothing of ours contains it."""

TEXTS = st.text(max_size=20).map(lambda text: f"{text} {NAME} ") | st.text(max_size=20) | st.just(NAME.upper())
VALUES = TEXTS | st.none() | st.integers() | st.booleans() | st.lists(TEXTS, max_size=2)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """An event that names its person in a classified field, and perhaps elsewhere; or it is broken, a dead letter."""
    kind = draw(st.sampled_from(["security", "processing"]))
    field = draw(st.sampled_from(sorted(FIELDS[kind])))
    data: dict[str, Any] = {"service": "s", field: NAME}
    data |= {"kind": draw(st.sampled_from(["auth_failure", "phi_access", "other"]))} if kind == "security" else {}
    data |= {"operation": draw(TEXTS | st.just("read"))} if kind == "processing" else {}
    texts = ("reason", "target", "action", "purpose") if kind == "security" else ("purpose", "location")
    data |= {name: draw(TEXTS) for name in draw(st.sets(st.sampled_from(texts)))}
    data["attributes"] = draw(st.dictionaries(st.sampled_from(["note", "pan", "user_id", "region"]), TEXTS))
    data |= draw(st.dictionaries(st.sampled_from([*texts, "unheard_of"]), VALUES, max_size=1))
    envelope = {"specversion": "1.0", "type": f"tidewatch.{kind}", "source": "/s", "time": "2026-11-22T10:15:30Z"}
    value = json.dumps({**envelope, "id": draw(TEXTS | st.just("1")), "data": data}).encode()
    return draw(st.just(value) | st.integers(0, len(value)).map(lambda at: value[:at] + b"\xff" + value[at:]))


def ingested(values: list[bytes]) -> Ingested:
    batch = RecordBatch(Partition("security", 0), range(len(values)), values, None, [NOW] * len(values), len(values))
    return Ingest(Windows(), Limits(), judge, protection())(batch, NOW, "one")


def becomes(result: Ingested) -> bytes:
    """All that leaves the fold, as bytes, without what is sealed before it is stored."""
    said = []
    for rows in result.raw.values():
        for name, column in rows.items():
            if name != "sealed":
                said.append(repr(list(column.values) if isinstance(column, Coded) else list(column)).encode())
    said += [msgspec.json.encode((letter.reason, letter.detail)) + (letter.value or b"") for letter in result.dead]
    said += [deltas.encode(delta) for delta in result.deltas]
    said += [encode(found) for found in result.findings]
    return b"\n".join(said)


@settings(max_examples=300, deadline=None)
@given(st.lists(records(), min_size=1, max_size=5))
def test_nothing_that_is_stored_or_sent_names_the_person(values: list[bytes]) -> None:
    result = ingested(values)
    raw = [rows["_offset"] for name, rows in result.raw.items() if name.startswith("raw_")]

    assert sum(map(len, raw)) + len(result.dead) == len(values)
    assert NAME.lower().encode() not in becomes(result).lower()


@given(st.lists(records(), min_size=1, max_size=3))
def test_a_repeated_batch_becomes_the_same_with_the_same_secrets(values: list[bytes]) -> None:
    one, other = ingested(values), ingested(values)

    assert becomes(one) == becomes(other)
    for table in one.raw:
        assert list(one.raw[table].get("sealed", ())) == list(other.raw[table].get("sealed", ()))  # type: ignore[arg-type]
