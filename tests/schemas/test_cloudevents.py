"""The CloudEvents Kafka binding: both modes, and what may be in them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from schemas import cloudevents
from schemas.config import Limits
from schemas.events import Event, Metric, MetricEvent, metric
from schemas.failures import Rejected
from tests.schemas.generated import events
from tests.schemas.records import BINARY_HEADERS, BINARY_VALUE, EVENT, RECORD, STRUCTURED


@given(events)
def test_what_we_encode_we_decode(event: Event) -> None:
    """Structured and binary records of ours both give the event back."""
    assert cloudevents.decode(cloudevents.encode(event)) == event
    headers, value = cloudevents.encode_binary(event)
    assert cloudevents.decode(value, headers) == event


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
