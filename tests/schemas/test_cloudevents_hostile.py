"""Hostile records: each is refused, in the category that says what is wrong, and nothing else ever happens."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import cloudevents
from schemas.cloudevents import CATEGORIES, LIMITS, MAX_DEPTH
from schemas.events import health, metric, processing, security
from schemas.failures import Rejected
from tests.schemas.records import BINARY_HEADERS, BINARY_VALUE, RECORD

METRIC_DATA: dict[str, Any] = metric.EXAMPLE["data"]  # type: ignore[assignment]
SECURITY_DATA: dict[str, Any] = security.EXAMPLE["data"]  # type: ignore[assignment]
EXAMPLES = [metric.EXAMPLE, security.EXAMPLE, processing.EXAMPLE, health.EXAMPLE]


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


@pytest.mark.parametrize("category, value", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_record_is_refused_with_its_category(category: str, value: bytes | None) -> None:
    """Each in the category that says what is wrong, with a text that does not repeat the record."""
    with pytest.raises(Rejected) as refused:
        cloudevents.decode(value)
    assert refused.value.category == category
    assert "secret" not in str(refused.value)
    assert len(refused.value.detail) < 200


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
