"""Processing events that are taken as repeated become what the decoder, the judge and the protection make of each."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.config import Limits, Windows
from schemas.tables import Coded
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.evidence.records import encode
from streams.ingest.ingest import EARLIEST_MS, LATEST_MS, Ingest, Ingested
from streams.privacy.protection import UNKEYED, Protection
from streams.privacy.rules import Classes
from streams.windows.deltas import PaneDelta
from tests.privacy.events import protection

NOW = 1_795_342_530_125
AT = "2026-11-22T10:15:30.125Z"


def record(separators: tuple[str, str] = (",", ":"), **changes: Any) -> bytes:
    """A processing event as JSON; ``changes`` are attributes of its envelope, or members of ``data``."""
    envelope = {"specversion": "1.0", "type": "tidewatch.processing", "id": "1", "source": "/s", "time": AT}
    data = {"service": "s", "operation": "read", "data_categories": ["personal"], "data_subject": "ann", "actor": "bob"}
    data |= {"purpose": "treatment", "legal_basis": "consent"}
    for name, change in changes.items():
        (envelope if name in (*envelope, "subject", "dataclassification", "extra") else data)[name] = change
    return json.dumps({**envelope, "data": data}, separators=separators, ensure_ascii=False).encode()


def ingested(ingest: Ingest, values: Sequence[bytes | None]) -> Ingested:
    offsets = range(100, 100 + len(values))
    times = [NOW + at for at in range(len(values))]
    return ingest(RecordBatch(Partition("data-processing", 0), offsets, values, None, times, offsets.stop), NOW, "c")


def fresh(protect: Protection = UNKEYED) -> Ingest:
    return Ingest(Windows(), Limits(), judge, protect)


def trained(*examples: bytes, protect: Protection = UNKEYED) -> Ingest:
    """An ingest that has seen each example twice, in a batch of its own."""
    ingest = fresh(protect)
    for value in examples:
        ingested(ingest, [value, value])
    return ingest


def recognised(ingest: Ingest, *records: bytes) -> list[int]:
    """The indexes of those records that need no decoder."""
    _, rest = ingest.repeats.recognise(records, np.arange(len(records)), EARLIEST_MS, LATEST_MS)
    return sorted(set(range(len(records))) - set(rest.tolist()))


def becomes(result: Ingested) -> Any:
    """All that a batch becomes, whatever the order of series in a delta."""
    raw = sorted(result.raw.items())
    tables = {table: {name: _listed(rows[name]) for name in sorted(rows)} for table, rows in raw}
    cells = sorted((delta.tenant, *cell) for delta in result.deltas for cell in _cells(delta))
    found = [encode(each) for each in result.findings]
    return tables, cells, result.dead, result.events, result.high_ms, found


def _cells(delta: PaneDelta) -> Iterator[tuple[Any, ...]]:
    """The cells of a delta, each with the name of its series instead of its number."""
    batch = delta.cells
    for start, cell in zip(batch.starts.tolist(), batch.cells, strict=True):
        numbered = cell.copy()
        numbered["series"] = 0
        yield delta.series[int(cell["series"])], numbered.tobytes(), start


def _listed(column: Any) -> list[Any]:
    if isinstance(column, Coded):
        return [column.values[code] for code in np.asarray(column.codes).tolist()]
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def test_other_ids_times_and_people_of_a_known_template_are_recognised() -> None:
    ingest = trained(record(), record(actor=""), record((", ", ": "), consent_id="c"))

    assert recognised(
        ingest,
        record(id="é-2", data_subject="Zoë"),
        record(time="2026-11-22T11:15:31+01:00", actor="carl"),
        record(data_subject="a,b:c{}[]"),
        record(actor="", data_subject="dora"),
        record((", ", ": "), consent_id="d"),
    ) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "other",
    [
        record(purpose="marketing"),
        record(service="t"),
        record(actor=""),
        record(actor="root"),
        record(actor="Admin"),
        record(actor='a"b'),
        record(actor="a\\b"),
        record(actor=None),
        record(data_subject="x" * 4097),
        record(data_subject="\x7f\n"),
        record(id=""),
        record(id="x" * 257),
        record(time="2026-02-30T10:15:30.125Z"),
        record(time="2026-11-22"),
        record(recipient="acme"),
        record(consent=True),
        record(attributes={}),
        record(attributes={"actor": "x"}),
        record(subject="x"),
        record().replace(b'"bob"', b'"\xff"'),
        record().replace(b'"bob"', b'"\xed\xa0\x80"'),
        record().replace(b'"bob"', b'"b\nb"'),
        record().replace(b'"bob"', b'"bob","actor":"eve"'),
        record().replace(b'"id":"1"', b'"id":"1","id":"2"'),
        record().replace(b'"bob"', b'"bob'),
        b"",
        b"{}",
        None,
    ],
    ids=lambda other: repr(other)[:200],
)
def test_what_is_unlike_its_template_is_left_to_the_decoder(other: bytes) -> None:
    ingest = trained(record())

    assert recognised(ingest, other) == []
    assert becomes(ingested(ingest, [record(), other, record()])) == becomes(
        ingested(fresh(), [record(), other, record()])
    )


def test_who_a_shared_account_is_belongs_to_the_template() -> None:
    ingest = trained(record(), record(actor="root"))

    assert recognised(ingest, record(actor="root", data_subject="x"), record(actor="admin")) == [0]
    values = [record(actor=actor) for actor in ("root", "eve", "admin")]
    assert becomes(ingested(ingest, values)) == becomes(ingested(fresh(), values))


@pytest.mark.parametrize(
    "changes",
    [
        {"attributes": {"request_received_at": "2026-10-01T00:00:00Z"}},
        {"attributes": {"user_id": "u-1"}},
        {"attributes": {"actor": "x"}},
        {"extra": {"id": "7"}},
    ],
    ids=str,
)
def test_what_differs_otherwise_is_not_learned(changes: dict[str, Any]) -> None:
    """A verdict that depends on the time that has passed; a person in an attribute; a member that is there twice."""
    ingest = trained(record(**changes), protect=protection())

    assert recognised(ingest, record(**changes)) == []


@pytest.mark.parametrize(
    "changes", [{"data_categories": ["about ann"]}, {"purpose": "STRASSE", "data_subject": "straße"}], ids=str
)
def test_people_are_found_wherever_the_protection_looks_for_them(changes: dict[str, Any]) -> None:
    values = [record(**changes), record(**{**changes, "data_subject": "zoe"})] * 2
    ingest = trained(*values, protect=protection())

    assert becomes(ingested(ingest, values)) == becomes(ingested(fresh(protection()), values))


def test_an_event_that_names_its_people_elsewhere_is_left_to_the_protection() -> None:
    ingest = trained(record(purpose="call Ann Smith back"), protect=protection())
    named = record(purpose="call Ann Smith back", data_subject="ann smith"), record(id="order-of-bob")

    assert recognised(ingest, record(purpose="call Ann Smith back", data_subject="zoe"), *named) == [0]


people = st.sampled_from(
    ["", "ann", "Ann", "bob", "root", "p-1", "4111 1111 1111 1111", "é", "a@b.example", "a,b", 'a"b', "\\"]
) | st.sampled_from(["Straße", "STRASSE", "Zoë"])
hostile = st.sampled_from([None, 1, ["x"], {"actor": "ann"}, "\x00", "\x7f", "x" * 4097])
changes = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["2", "a" * 36, "0f8fad5b-d9cb-469f-a165-70867728950e", "ann", "a@b.example", "", "é"]),
        "time": st.sampled_from([AT, "2026-11-22T10:15:30Z", "2026-11-22T10:15:31.000001+00:00", "2000-01-01T00:00:00Z",
            "1999-12-31T23:59:59.9996Z", "2027-11-22T10:15:30Z", "nonsense", "2026-11-22T10:15:30.1255Z"]),
        "source": st.sampled_from(["/s", "/ann/1", "/a@b.example"]),
        "dataclassification": st.sampled_from(["restricted", "unheard-of"]),
        "data_subject": people | hostile,
        "actor": people | hostile,
        "recipient": people,
        "consent_id": people | hostile,
        "purpose": st.sampled_from(["treatment", "to ann", "STRASSE 1", "marketing", "zoe\u0308"]) | people,
        "consent": st.sampled_from([True, False, None]),
        "data_categories": st.sampled_from([["phi"], ["personal", "ann"], [], ["cardholder"]]),
        "tenant": st.sampled_from(["default", "acme"]),
        "attributes": st.dictionaries(
            st.sampled_from(["note", "id", "actor", "user_id", "legal_hold", "delete_by", "pan"]),
            people | st.just("2026-11-01T00:00:00Z") | st.just("true"),
            max_size=2,
        ),
        "unheard_of": st.just(1),
    },
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Records of a few publishers, some of them hostile: members in any order, spaces, escapes, decoys, damage."""
    value = record(draw(st.sampled_from([(",", ":"), (", ", ": ")])), **draw(changes))
    match draw(st.integers(0, 9)):
        case 0:
            at = draw(st.integers(0, len(value)))
            return value[:at] + draw(st.sampled_from([b"\xff", b'"', b"\\", b"", b"\n", b'","id":"9'])) + value[at:]
        case 1:
            return value[: draw(st.integers(0, len(value)))]
        case 2:
            event = json.loads(value)
            return json.dumps(dict(reversed(event.items())), separators=(",", ":")).encode()
        case _:
            return value


@settings(max_examples=150, deadline=None)
@given(st.lists(records(), max_size=12), st.lists(records(), min_size=1, max_size=12), st.booleans())
@example([record()], [record(), record(id="é"), b'"id":"', record()[:-3] + b'"id":'], True)
@example([], [record(), record(extra="1").replace(b"extra", b"ex\xfftra")], True)
@example([], [record().replace(b'"actor":', b'"actor"\n:')], False)
def test_what_was_learned_changes_nothing_of_what_a_batch_becomes(
    before: list[bytes], values: list[bytes], keyed: bool
) -> None:
    protect = protection() if keyed else UNKEYED
    ingest = trained(*before, *values, protect=protect)

    assert becomes(ingested(ingest, values)) == becomes(ingested(fresh(protect), values))


@pytest.mark.parametrize("rule", ["phi", "secret", "cardholder", "public", "quasi_identifier"])
@pytest.mark.parametrize("field", ["actor", "consent_id", "purpose"])
def test_rules_of_the_configuration_hold_for_repeated_events(field: str, rule: str) -> None:
    keyed = protection()
    protect = Protection(Classes([f"processing.{field} = {rule}"]), keyed.pseudonyms)
    values = [
        record(actor=who, consent_id="c1", purpose="4111111111111111") for who in ("ann", "bob", "4111111111111111")
    ]

    assert becomes(ingested(trained(*values, protect=protect), values)) == becomes(ingested(fresh(protect), values))


def test_most_of_a_usual_stream_is_recognised_and_becomes_the_same() -> None:
    people = [f"person-{number % 70}" for number in range(1500)]
    values = [
        record(
            service=f"s{number % 7}",
            purpose=f"p{number % 5}",
            data_subject=who,
            id=f"{number:036}",
            encrypted=number % 3 > 0,
        )
        for number, who in enumerate(people)
    ]
    ingest = fresh(protection())
    for _ in range(20):
        ingested(ingest, values)

    assert len(recognised(ingest, *values)) == len(values)
    slow = fresh(protection())
    slow.repeats._can_learn = False
    assert becomes(ingested(ingest, values)) == becomes(ingested(slow, values))
