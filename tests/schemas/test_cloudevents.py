"""The CloudEvents Kafka binding: both modes, both directions against the SDK, and hostile records."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from schemas import cloudevents
from schemas.cloudevents import CATEGORIES, LIMITS, MAX_DEPTH
from schemas.config import Limits
from schemas.events import (
    Event,
    HealthEvent,
    Metric,
    MetricEvent,
    Processing,
    ProcessingEvent,
    SecurityEvent,
    health,
    metric,
    processing,
    security,
)
from schemas.failures import Rejected

METRIC_DATA: dict[str, Any] = metric.EXAMPLE["data"]  # type: ignore[assignment]
SECURITY_DATA: dict[str, Any] = security.EXAMPLE["data"]  # type: ignore[assignment]
EXAMPLES = [metric.EXAMPLE, security.EXAMPLE, processing.EXAMPLE, health.EXAMPLE]
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]

# --- generated events -------------------------------------------------------------------------------------------------

printable = st.characters(exclude_categories=("Cs", "Cc"))
names = st.text(printable, min_size=1, max_size=40)
labels = st.dictionaries(
    st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,12}", fullmatch=True).filter(lambda name: name not in ("service", "tenant")),
    st.text(printable, max_size=40),
    max_size=4,
)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30), timezones=st.one_of(st.just(UTC), zones))
envelopes = {
    "specversion": st.just("1.0"),
    "id": st.text(printable, min_size=1, max_size=40),
    "source": st.text(printable, min_size=1, max_size=40),
    "time": times,
}
optional_texts = st.text(printable, max_size=30)
classified = st.fixed_dictionaries(
    {"dataclassification": st.sampled_from(["public", "internal", "Confidential", "restricted"])},
    optional={
        "dataregulation": st.sampled_from(["GDPR", "HIPAA,PCI-DSS", "gdpr, soc2"]),
        "datacategory": st.sampled_from(["phi", "special-category", "non-pii"]),
    },
)


def values_of(field: msgspec.structs.FieldInfo) -> st.SearchStrategy[object]:
    """Values that a field of ``data`` may take."""
    if get_origin(field.type) is Literal:
        return st.sampled_from(get_args(field.type))
    if field.type == bool | None:
        return st.none() | st.booleans()
    special = {
        "labels": labels,
        "attributes": labels,
        "data_categories": st.lists(names, max_size=3),
        "value": st.floats(0, allow_nan=False, allow_infinity=False),
        "check_duration_ms": st.floats(0, allow_nan=False, allow_infinity=False),
        "retention_days": st.none() | st.integers(0, 100_000),
        "tenant": names,
    }
    return special.get(field.name, names if field.required else optional_texts)


def data(struct: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    return st.builds(struct, **{field.name: values_of(field) for field in msgspec.structs.fields(struct)})


events: st.SearchStrategy[Event] = st.one_of(
    [
        st.builds(kind, **envelopes, data=data(msgspec.structs.fields(kind)[-1].type))
        for kind in (MetricEvent, SecurityEvent, ProcessingEvent, HealthEvent)
    ]
)
judged = st.builds(
    lambda event, extensions: msgspec.structs.replace(event, **extensions),
    st.builds(ProcessingEvent, **envelopes, data=data(Processing)),
    classified,
)
events |= judged


def sdk_event(event: Event) -> CloudEvent:
    attributes = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "data"}
    attributes = {name: value for name, value in attributes.items() if value is not msgspec.UNSET}
    attributes["type"] = event.__struct_config__.tag
    return CloudEvent(attributes, msgspec.to_builtins(event.data))


def headers_of(message: sdk.KafkaMessage) -> list[tuple[str, bytes]]:
    return list(message.headers.items())


# --- conformance ------------------------------------------------------------------------------------------------------


@given(events)
def test_what_we_encode_we_decode(event: Event) -> None:
    """Structured and binary records of ours both give the event back."""
    assert cloudevents.decode(cloudevents.encode(event)) == event
    headers, value = cloudevents.encode_binary(event)
    assert cloudevents.decode(value, headers) == event


@given(events)
def test_the_sdk_reads_our_structured_records(event: Event) -> None:
    """The SDK finds the same attributes and data in what we write."""
    message = sdk.KafkaMessage(dict(STRUCTURED), None, cloudevents.encode(event))
    read = sdk.from_kafka_event(message)
    assert read.get_attributes() == sdk_event(event).get_attributes()
    assert read.get_data() == msgspec.to_builtins(event.data)


@given(events)
def test_the_sdk_reads_our_binary_records(event: Event) -> None:
    """The SDK finds the same attributes and data in our headers and value."""
    headers, value = cloudevents.encode_binary(event)
    read = sdk.from_kafka_event(sdk.KafkaMessage(dict(headers), None, value))
    assert read.get_attributes() == sdk_event(event).get_attributes()
    assert read.get_data() == msgspec.to_builtins(event.data)


@given(events)
def test_we_read_the_structured_records_of_the_sdk(event: Event) -> None:
    """With the SDK's header and without any."""
    message = sdk.to_structured_event(sdk_event(event))
    assert cloudevents.decode(message.value, headers_of(message)) == event
    assert cloudevents.decode(message.value) == event


@given(events)
def test_we_read_the_binary_records_of_the_sdk(event: Event) -> None:
    """Attributes from headers, data from the value."""
    message = sdk.to_binary_event(sdk_event(event))
    assert cloudevents.decode(message.value, headers_of(message)) == event


# --- modes ------------------------------------------------------------------------------------------------------------

RECORD = json.dumps(metric.EXAMPLE).encode()
EVENT = cloudevents.decode(RECORD)
BINARY_HEADERS, BINARY_VALUE = cloudevents.encode_binary(EVENT)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("traceparent", b"00-1-2-01")],
        [("content-type", b"application/json")],
        [("Content-Type", b"APPLICATION/CloudEvents+JSON")],
        [*STRUCTURED, ("ce_id", b"another"), ("ce_type", b"\xff")],
    ],
    ids=["none", "empty", "foreign", "plain json", "upper case", "repeated ce_ headers are ignored"],
)
def test_structured_mode(headers: list[tuple[str, bytes]] | None) -> None:
    """The value holds the whole event, whatever the headers repeat."""
    assert cloudevents.decode(RECORD, headers) == EVENT


def test_binary_mode_takes_header_names_in_any_case_and_values_as_they_are() -> None:
    """Kafka's binding has no percent-encoding (HTTP's has)."""
    headers = [(name.upper(), text) for name, text in BINARY_HEADERS if name != "ce_id"]
    assert cloudevents.decode(BINARY_VALUE, [*headers, ("ce_id", "50%25 é".encode())]).id == "50%25 é"


def test_extensions_are_accepted_in_both_modes() -> None:
    """CloudEvents lets anybody add attributes."""
    assert cloudevents.decode(json.dumps({**metric.EXAMPLE, "partitionkey": "a"}).encode()) == EVENT
    assert cloudevents.decode(BINARY_VALUE, [*BINARY_HEADERS, ("ce_partitionkey", b"a")]) == EVENT


# --- what is refused --------------------------------------------------------------------------------------------------


def changed(example: Mapping[str, Any] = metric.EXAMPLE, **fields: object) -> bytes:
    """The example's JSON with other envelope fields; None leaves one out."""
    merged = {**example, **fields}
    return json.dumps({name: value for name, value in merged.items() if value is not None}).encode()


def with_data(**fields: object) -> bytes:
    return changed(data={**METRIC_DATA, **fields})


def swapped(old: bytes, new: bytes) -> bytes:
    assert old in RECORD
    return RECORD.replace(old, new)


def extended(tail: bytes) -> bytes:
    """The example with one more attribute, written as given."""
    return RECORD[:-1] + b', "extension": ' + tail + b"}"


HOSTILE = {
    "tombstone": ("tombstone", None),
    "empty": ("malformed_json", b""),
    "truncated": ("malformed_json", RECORD[:-5]),
    "two objects": ("malformed_json", RECORD + RECORD),
    "not json": ("malformed_json", b"hello"),
    "an array of events": ("invalid_field", b"[" + RECORD + b"]"),
    "null": ("invalid_field", b"null"),
    "no type": ("invalid_field", changed(type=None)),
    "type is a number": ("invalid_field", changed(type=3)),
    "unknown type": ("unknown_type", changed(type="com.example.secret")),
    "another specversion": ("invalid_field", changed(specversion="0.3")),
    "no id": ("invalid_field", changed(id=None)),
    "empty id": ("invalid_field", changed(id="")),
    "no data": ("invalid_field", changed(data=None)),
    "data is text": ("invalid_field", changed(data="secret")),
    "value is text": ("invalid_field", with_data(value="secret")),
    "unknown kind": ("invalid_field", with_data(kind="secret")),
    "unknown field": ("invalid_field", with_data(secret=1)),
    "label value is a number": ("invalid_field", with_data(labels={"secret": 1})),
    "negative counter": ("invalid_field", with_data(kind="counter", value=-1)),
    "line break in service": ("invalid_field", with_data(service="a\nb")),
    "NaN": ("malformed_json", swapped(b"45.2", b"NaN")),
    "Infinity": ("malformed_json", swapped(b"45.2", b"-Infinity")),
    "1e999": ("invalid_field", swapped(b"45.2", b"1e999")),
    "a number of 100,000 digits": ("invalid_field", swapped(b"45.2", b"9" * 100_000)),
    "invalid UTF-8": ("invalid_utf8", swapped(b"POST", b"\xff")),
    "invalid UTF-8 where nobody looks": ("invalid_utf8", extended(b'"\xff"')),
    "lone surrogate": ("malformed_json", swapped(b"POST", rb"\ud800")),
    "raw control byte": ("malformed_json", swapped(b"POST", b"\x00")),
    "byte order mark": ("malformed_json", b"\xef\xbb\xbf" + RECORD),
    "deep": ("too_deep", extended(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)),
    "very deep": ("too_deep", extended(b"[" * 50_000 + b"]" * 50_000)),
    "deep and open": ("too_deep", b"[" * 100_000),
    "duplicate attribute": ("duplicate_key", RECORD[:-1] + b', "id": "other"}'),
    "duplicate attribute, escaped": ("duplicate_key", RECORD[:-1] + rb', "\u0069d": "other"}'),
    "duplicate field": ("duplicate_key", swapped(b'"unit"', b'"service": "x", "unit"')),
    "duplicate label": ("duplicate_key", swapped(b'"method"', b'"region": "x", "method"')),
    "duplicate key where nobody looks": ("duplicate_key", extended(b'[{"a": 1, "a": 2}]')),
    "1 MB": ("too_large", swapped(b"POST", b"x" * 1_000_000)),
    "10,000 labels": ("invalid_label", with_data(labels={f"a{i}": "x" for i in range(10_000)})),
    "label name with quotes": ("invalid_label", with_data(labels={'a"b': "x"})),
    "label name with a line break": ("invalid_label", with_data(labels={"a\n": "x"})),
    "label name of Prometheus": ("invalid_label", with_data(labels={"__name__": "x"})),
    "label name of a field": ("invalid_label", with_data(labels={"service": "x"})),
    "empty label name": ("invalid_label", with_data(labels={"": "x"})),
    "long label name": ("invalid_label", with_data(labels={"a" * 129: "x"})),
    "long label value": ("invalid_label", with_data(labels={"a": "é" * 513})),
    "label value with a line break": ("invalid_label", with_data(labels={"a": "x\ny"})),
    "attribute name with a space": (
        "invalid_label",
        changed(security.EXAMPLE, data={**SECURITY_DATA, "attributes": {"a b": "x"}}),
    ),
    "classification of another world": (
        "unknown_classification",
        changed(processing.EXAMPLE, dataclassification="secret"),
    ),
    "regulation beside none that is known": (
        "unknown_classification",
        changed(security.EXAMPLE, dataclassification="internal", dataregulation="GDPR,secret"),
    ),
    "category without a classification": ("unknown_classification", changed(processing.EXAMPLE, datacategory="phi")),
    "empty category": (
        "invalid_field",
        changed(processing.EXAMPLE, dataclassification="internal", datacategory=""),
    ),
    "1970": ("time_out_of_range", changed(time="1970-01-01T00:00:00Z")),
    "year 1": ("time_out_of_range", changed(time="0001-01-01T00:00:00+23:59")),
    "just before 2000": ("time_out_of_range", changed(time="2000-01-01T00:30:00+01:00")),
    "2101": ("time_out_of_range", changed(time="2101-01-01T00:00:00Z")),
    "year 9999": ("time_out_of_range", changed(time="9999-12-31T23:59:59-23:59")),
    "time without offset": ("invalid_field", changed(time="2026-11-22T10:15:30")),
    "time is a number": ("invalid_field", changed(time=1795342530)),
    "time is no time": ("invalid_field", changed(time="yesterday")),
}


@pytest.mark.parametrize("category, value", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_record_is_refused_with_its_category(category: str, value: bytes | None) -> None:
    """Each in the category that says what is wrong, with a text that does not repeat the record."""
    with pytest.raises(Rejected) as refused:
        cloudevents.decode(value)
    assert refused.value.category == category
    assert "secret" not in str(refused.value)
    assert len(refused.value.detail) < 200


BINARY_HOSTILE = {
    "tombstone": ("tombstone", None, BINARY_HEADERS),
    "empty": ("malformed_json", b"", BINARY_HEADERS),
    "data closes the event": ("malformed_json", BINARY_VALUE + b', "id": "x"', BINARY_HEADERS),
    "no id": ("invalid_field", BINARY_VALUE, [header for header in BINARY_HEADERS if header[0] != "ce_id"]),
    "id twice": ("duplicate_key", BINARY_VALUE, [*BINARY_HEADERS, ("CE_ID", b"x")]),
    "header is not UTF-8": ("invalid_utf8", BINARY_VALUE, [*BINARY_HEADERS, ("ce_x", b"\xff")]),
    "data is not UTF-8": ("invalid_utf8", BINARY_VALUE.replace(b"POST", b"\xff"), BINARY_HEADERS),
    "deep data": ("too_deep", b"[" * 50_000 + b"]" * 50_000, BINARY_HEADERS),
    "duplicate field": ("duplicate_key", BINARY_VALUE.replace(b'"unit"', b'"kind":"gauge","unit"'), BINARY_HEADERS),
    "avro data": ("unsupported_format", BINARY_VALUE, [("content-type", b"application/avro"), *BINARY_HEADERS[1:]]),
    "avro event": ("unsupported_format", RECORD, [("content-type", b"application/cloudevents+avro")]),
    "batch": ("unsupported_format", b"[" + RECORD + b"]", [("content-type", b"application/cloudevents-batch+json")]),
    "large header": ("too_large", RECORD, [("x", b"x" * LIMITS.record_bytes)]),
    "type in another case": ("unknown_type", BINARY_VALUE, [*BINARY_HEADERS[2:], ("ce_type", b"Tidewatch.Metric")]),
}


@pytest.mark.parametrize("category, value, headers", BINARY_HOSTILE.values(), ids=BINARY_HOSTILE)
def test_a_hostile_binary_record_is_refused_with_its_category(
    category: str, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    """Headers can be as hostile as values."""
    with pytest.raises(Rejected) as refused:
        cloudevents.decode(value, headers)
    assert refused.value.category == category


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(value: bytes) -> None:
    """Nothing but ``Rejected`` ever leaves the judge."""
    with pytest.raises(Rejected) as refused:
        cloudevents.decode(value)
    assert refused.value.category in CATEGORIES


@given(st.data())
def test_a_damaged_record_is_an_event_or_refused(data: st.DataObject) -> None:
    """Records with a few bytes cut, changed or inserted."""
    record = bytearray(json.dumps(data.draw(st.sampled_from(EXAMPLES))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(record) - 1))
        record[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        cloudevents.decode(bytes(record))
    except Rejected as refused:
        assert refused.category in CATEGORIES


def test_every_category_of_the_judge_is_tested() -> None:
    """``future`` needs a clock and is the worker's."""
    tested = {category for category, *_ in [*HOSTILE.values(), *BINARY_HOSTILE.values()]}
    assert tested == set(CATEGORIES) - {"future"}


def test_limits_are_an_argument() -> None:
    """A deployment can be stricter."""
    with pytest.raises(Rejected, match="too_large"):
        cloudevents.decode(RECORD, None, Limits(record_bytes=100))
    with pytest.raises(Rejected, match="invalid_label"):
        cloudevents.decode(RECORD, None, Limits(labels=1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "45"], ids=str)
def test_encode_refuses_what_decode_would_refuse(value: object) -> None:
    """A publisher learns it at once, and not from the dead letters."""
    wrong = Metric(service="a", name="b", kind="gauge", value=value)  # type: ignore[arg-type]
    event = MetricEvent(specversion="1.0", id="1", source="/a", time=datetime(2026, 1, 1, tzinfo=UTC), data=wrong)
    with pytest.raises(Rejected, match=r"data\.value"):
        cloudevents.encode(event)
    with pytest.raises(Rejected, match=r"data\.value"):
        cloudevents.encode_binary(event)


texts = st.text(st.sampled_from('ab"\\\n:,{}é'), max_size=3)
written = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(texts, inner), max_size=4).map(lambda m: Members(m)),
    max_leaves=8,
)


class Members(list[tuple[str, Any]]):
    """The members of an object in the order in which they are written, some of them perhaps twice."""

    def text(self) -> str:
        return "{" + ", ".join(f"{json.dumps(name)}: {text_of(value)}" for name, value in self) + "}"

    def twice(self) -> bool:
        return len(dict(self)) < len(self) or any(has_twice(value) for _, value in self)


def text_of(value: Any) -> str:
    if isinstance(value, Members):
        return value.text()
    return f"[{','.join(map(text_of, value))}]" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def has_twice(value: Any) -> bool:
    return value.twice() if isinstance(value, Members) else isinstance(value, list) and any(map(has_twice, value))


@given(written)
def test_a_key_written_twice_is_found_at_any_level(value: Any) -> None:
    assert cloudevents.has_duplicate_keys(text_of(value).encode()) == has_twice(value)
