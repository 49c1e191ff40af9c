"""What is recognised is what the exact judge would have found, whatever the publisher writes."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import cloudevents
from schemas.config import Limits, Windows
from schemas.events import MetricEvent
from schemas.failures import Rejected
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.ingest.ingest import EARLIEST_MS, Ingest
from streams.ingest.instants import epoch_ms

NOW = 1_795_342_530_125
LATEST_MS = NOW + 300_000


def record(value: Any = 1.5, **changes: Any) -> bytes:
    """A metric event as JSON; ``changes`` are attributes, or members of ``data``, or ``separators``."""
    separators = changes.pop("separators", (",", ":"))
    data = {"service": "s", "name": "load", "kind": "gauge", "value": value, "labels": {"a": "1"}}
    envelope = {"specversion": "1.0", "type": "tidewatch.metric", "id": "1", "source": "/s"}
    envelope["time"] = "2026-11-22T10:15:30.125Z"
    for name, change in changes.items():
        (data if name in (*data, "unit", "tenant") else envelope)[name] = change
    return json.dumps({**envelope, "data": data}, separators=separators, ensure_ascii=False).encode()


def batch(values: Sequence[bytes | None]) -> RecordBatch:
    return RecordBatch(Partition("metrics", 0), range(len(values)), values, None, [NOW] * len(values), len(values))


def trained(*examples: bytes) -> Ingest:
    """An ingest that has seen each example in a batch of its own."""
    ingest = Ingest(Windows(), Limits(), judge)
    for example in examples:
        ingest(batch([example]), NOW, "c")
    return ingest


def recognised(ingest: Ingest, *records: bytes) -> list[int]:
    """The indexes of those records that need no decoder."""
    _, rest = ingest.recogniser.recognise(records, np.arange(len(records)), EARLIEST_MS, LATEST_MS)
    return sorted(set(range(len(records))) - set(rest.tolist()))


def accepted(ingest: Ingest, values: Sequence[bytes]) -> dict[int, tuple[Any, ...]]:
    """Index -> what the row of each accepted metric event says."""
    raw: Mapping[str, Any] = ingest(batch(values), NOW, "c").raw.get("raw_metrics", {})
    columns = [
        [column.values[code] for code in column.codes] if hasattr(column, "codes") else _listed(column)
        for name, column in raw.items()
        if name in ("_offset", "time", "tenant", "service", "name", "kind", "value", "unit", "labels", "event_id")
        or name == "source"
    ]
    found = {row[-1]: row for row in zip(*columns, strict=True)}
    return {int(offset): tuple(map(str, row)) for offset, row in found.items()}


def _listed(column: Any) -> list[Any]:
    return column.cast(pa.string()).to_pylist() if isinstance(column, pa.Array) else column.tolist()


def test_other_ids_times_and_values_of_a_known_template_are_recognised() -> None:
    ingest = trained(record())

    assert recognised(
        ingest,
        record(2, id="é-2"),
        record(-1e-9, time="2026-11-22T10:15:31.999Z"),
        record(7, time="2026-11-22T11:15:31+01:00"),
    ) == [0, 1, 2]


@pytest.mark.parametrize(
    "other",
    [
        record(id='a"b'),
        record(id="a\\"),
        record(id=""),
        record(id="x" * 257),
        record(time="2026-11-22T10:15:30"),
        record(time="1999-12-31T23:59:59.999Z"),
        record(time="2026-11-22T10:25:30.125Z"),
        record(time="2026-02-30T10:15:30.125Z"),
        record(value="1"),
        record(value=None),
        record(value=[1]),
        record().replace(b"1.5", b"1e400"),
        record().replace(b"1.5", b"01"),
        record().replace(b"1.5", b""),
        record().replace(b'"id":"1"', b'"id":"\xff"'),
        record().replace(b'"id":"1"', b'"id":"\n"'),
        record().replace(b'"id":"1"', b'"id":"1","id":"2"'),
        record(labels={"a": "2"}),
        record(service="t"),
        record(subject="x"),
        b"",
    ],
    ids=lambda other: other.decode(errors="replace")[40:130],
)
def test_what_is_unlike_its_template_is_left_to_the_decoder(other: bytes) -> None:
    ingest = trained(record())

    assert recognised(ingest, other) == []


def test_a_batch_that_begins_with_something_else_is_recognised_all_the_same() -> None:
    ingest = trained(record(), record(separators=(", ", ": ")))
    mixed = [b"{}", record(2), record(3, separators=(", ", ": ")), b"", record(4)]

    assert recognised(ingest, *mixed) == [1, 2, 4]


def test_what_is_learned_from_the_first_records_of_a_batch_helps_the_rest_of_it() -> None:
    ingest = trained()

    rows = accepted(ingest, [record(number, id=str(number)) for number in range(1500)])

    assert list(rows) == list(range(1500))
    assert all({str(number), str(float(number))} <= set(row) for number, row in rows.items())


def test_a_falling_counter_is_left_to_the_decoder_and_a_falling_gauge_is_not() -> None:
    ingest = trained(record(kind="counter"), record(kind="gauge"))

    assert recognised(ingest, record(-1.0, kind="counter"), record(-1.0, kind="gauge")) == [1]


def test_a_gap_that_cannot_be_decoded_costs_the_batch_its_speed_and_not_its_rows() -> None:
    ingest = trained(record())

    rows = accepted(ingest, [record(2), record().replace(b"1.5", b"1e400"), record(3)])

    assert list(rows) == [0, 2]


@pytest.mark.parametrize(
    "decoy",
    [
        record(labels={"id": "1", "a": "x"}),
        record(ext={"id": "1"}, id="1"),
        record(labels={"time": "2026-11-22T10:15:30.125Z"}),
        record(labels={"value": "1.5"}),
        b'{"labels":{"id":"1"},' + record()[1:],
        b'{"x":{"value":1.5},' + record()[1:],
        b'{"x":"\\"id\\":\\"1\\"",' + record()[1:],
    ],
    ids=lambda decoy: decoy.decode()[:30],
)
def test_members_of_the_same_name_elsewhere_mislead_nobody(decoy: bytes) -> None:
    """A label ``id`` with the event's own id, say: where the gap is, is proven by changing what is in it."""
    ingest = trained(decoy)
    changed = [
        decoy.replace(b'"1"', b'"2"', 1),
        decoy.replace(b"1.5", b"2.5", 1),
        decoy.replace(b"30.125", b"31.125", 1),
    ]

    assert accepted(ingest, changed) == accepted(Ingest(Windows(), Limits(), judge), changed)


def test_a_counter_and_a_gauge_of_one_publisher_each_keep_their_source() -> None:
    ingest = trained(record(source="/a"), record(source="/b"))

    rows = accepted(ingest, [record(2, source="/b"), record(2, source="/a")])

    assert [row for _, row in sorted(rows.items())] == [
        row for _, row in sorted(accepted(trained(), [record(2, source="/b"), record(2, source="/a")]).items())
    ]


labels = st.dictionaries(
    st.sampled_from(["a", "b", "id", "time", "value"]), st.sampled_from(["1", "1.5", ""]), max_size=3
)
envelopes = st.fixed_dictionaries(
    {"id": st.sampled_from(["1", "2", "1.5", "é", 'a"b', "\\", "", "\x7f"])},
    optional={
        "subject": st.sampled_from(["x", '","id":"3']),
        "time": st.sampled_from(["2026-11-22T10:15:31Z", "2026-11-22T10:15:30.125Z", "2026-11-22", "nonsense"]),
        "data": st.just({}),
    },
)
numbers = st.sampled_from([0, 1, 1.5, -2.5, 1e300, 12345678901234567890, "1.5", True])


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Records of a few publishers, some of them hostile: members in any order, spaces, decoys, damage."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "type": "tidewatch.metric",
        "source": draw(st.sampled_from(["/s", "/t"])),
        "time": "2026-11-22T10:15:30.125Z",
        **draw(envelopes),
        "data": {
            "service": "s",
            "name": draw(st.sampled_from(["load", "a\x01b"])),
            "kind": draw(st.sampled_from(["gauge", "counter"])),
            "labels": draw(labels),
            "value": draw(numbers),
        },
    }
    for members in (event, event["data"]):
        order = draw(st.sampled_from([list(members), list(reversed(members)), sorted(members)]))
        for name in order:
            members[name] = members.pop(name)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]))
    text = json.dumps(event, separators=separators, ensure_ascii=draw(st.booleans())).encode()
    return text.replace(*draw(st.sampled_from([(b"", b""), (b'"id"', b'"id":"9","id"'), (b"}", b"")])), 1)


@given(st.lists(records(), min_size=1, max_size=12))
def test_what_is_accepted_is_what_the_exact_judge_accepts(values: list[bytes]) -> None:
    ingest = trained(*values)

    found = accepted(ingest, values)

    assert list(found) == [index for index, value in enumerate(values) if judged(value)]
    for index, row in found.items():
        event = judged(values[index])
        assert event is not None
        assert {event.id, event.source, str(event.data.value), event.data.kind} <= set(row)


def judged(value: bytes) -> MetricEvent | None:
    try:
        event = cloudevents.decode(value)
    except Rejected:
        return None
    assert isinstance(event, MetricEvent)
    return event


parts = st.sampled_from(["00", "01", "02", "12", "13", "23", "24", "29", "30", "31", "59", "60", "99"])


@given(st.sampled_from(["2024", "2025", "2100", "0000"]), st.lists(parts, min_size=5, max_size=5), st.integers(0, 999))
def test_a_time_is_what_the_schema_takes_it_for(year: str, rest: list[str], millisecond: int) -> None:
    month, day, hour, minute, second = rest
    text = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{millisecond:03d}Z".encode()
    decoder = msgspec.json.Decoder(datetime)
    try:
        expected = round(decoder.decode(b'"' + text + b'"').timestamp() * 1000)
    except msgspec.ValidationError:
        if year != "0000":  # numpy has a year 0; it is long before anything is accepted
            with pytest.raises(msgspec.ValidationError):
                epoch_ms(pa.array([text]))
    else:
        assert epoch_ms(pa.array([text, text])).tolist() == [expected, expected]
