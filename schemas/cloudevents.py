"""CloudEvents 1.0 on Kafka: records become events, or are refused with a reason; events become records.

CloudEvents Kafka protocol binding and JSON event format, version 1.0.2, https://github.com/cloudevents/spec.
This is the exact judge. The hot path decodes with msgspec alone and comes here for whatever is unusual.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from schemas.classification import classification
from schemas.config import Limits
from schemas.events import Event, HealthEvent, MetricEvent
from schemas.failures import Rejected

MAX_DEPTH = 32

CATEGORIES = {
    "tombstone": "The record has no value.",
    "too_large": "Value and headers together are longer than `limits.record_bytes`.",
    "invalid_utf8": "The text is not UTF-8.",
    "malformed_json": "The text is not JSON; NaN, Infinity and lone surrogates are not.",
    "too_deep": f"Objects and arrays are nested deeper than {MAX_DEPTH}.",
    "duplicate_key": "A key is written twice in one object, or a `ce_` header twice in one record.",
    "unsupported_format": "A content type that is not JSON; the batch mode of CloudEvents is not one of Kafka's.",
    "unknown_type": "`type` names no event type of Tidewatch.",
    "invalid_field": "A field is missing, unknown, of another type, or out of its range.",
    "invalid_label": "Too many labels or attributes, or one whose name or value is not allowed.",
    "unknown_classification": "`dataclassification`, `dataregulation` or `datacategory` says what Tidewatch does "
    "not know; the extension of CloudEvents wants such events rejected.",
    "time_out_of_range": "`time` is before 2000 or after 2100: a clock that was never set.",
    "future": "`time` is further ahead of the worker's clock than `windows.max_future_skew`.",
}
"""Every reason for which a record becomes a dead letter."""

LIMITS = Limits()
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2101, 1, 1, tzinfo=UTC)

Header = tuple[str, bytes | None]

_EVENT: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_RAW = msgspec.json.Decoder(msgspec.Raw)

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NESTING = re.compile(rb"[][{}]")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_RESERVED = frozenset({"service", "tenant"})

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_WITHOUT_CONTENT = ("Expected ", "Object missing required field ", "Number out of range", "Invalid RFC3339 ")
"""Beginnings of msgspec's messages that name only our own fields and types."""


def decode(value: bytes | None, headers: Sequence[Header] | None = None, limits: Limits = LIMITS) -> Event:
    """The event in a record; raises ``Rejected`` with one of ``CATEGORIES``, and never the content in its text.

    A ``content-type`` header that begins with ``application/cloudevents`` means structured mode, ``ce_`` headers mean
    binary mode, and a record with neither, as most producers send it, is taken as structured.
    """
    if value is None:
        raise Rejected("tombstone", "the record has no value")
    size = len(value) + sum(len(name) + len(text or b"") for name, text in headers or ())
    if size > limits.record_bytes:
        raise Rejected("too_large", f"{size} bytes; limits.record_bytes is {limits.record_bytes}")
    text = _structured(value, headers or ())
    event = _typed(text)
    if has_duplicate_keys(text):
        raise Rejected("duplicate_key", "a key is written twice in one object")
    check(event, limits)
    return event


def encode(event: Event, limits: Limits = LIMITS) -> bytes:
    """The value of a structured record (it needs no header); raises ``Rejected`` for what ``decode`` would refuse."""
    value = msgspec.json.encode(event)
    if len(value) > limits.record_bytes:
        raise Rejected("too_large", f"{len(value)} bytes; limits.record_bytes is {limits.record_bytes}")
    check(_typed(value), limits)
    return value


def encode_binary(event: Event, limits: Limits = LIMITS) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of a binary record; raises ``Rejected`` for what ``decode`` would refuse."""
    encode(event, limits)
    attributes: dict[str, str] = msgspec.to_builtins(event)
    headers = [("content-type", attributes.pop("datacontenttype").encode())]
    headers += [(f"ce_{name}", text.encode()) for name, text in attributes.items() if name != "data"]
    return headers, msgspec.json.encode(event.data)


def check(event: Event, limits: Limits = LIMITS) -> None:
    """What a type cannot say: times, names, labels and signs. Raises ``Rejected``."""
    if not EARLIEST <= event.time < LATEST:
        raise Rejected("time_out_of_range", "`time` is before 2000 or after 2100")
    data = event.data
    check_names(service=data.service, tenant=data.tenant)
    if isinstance(event, MetricEvent):
        check_names(name=event.data.name)
        check_labels(event.data.labels, limits)
        if event.data.kind == "counter" and event.data.value < 0:
            raise Rejected("invalid_field", "`data.value`: a counter takes increments, which are not negative")
    elif isinstance(event, HealthEvent):
        check_names(component=event.data.component)
    else:
        check_labels(event.data.attributes, limits)
        classification(event)


def check_names(**names: str) -> None:
    """Refuse control characters in fields of ``data`` that become labels or keys. Raises ``Rejected``."""
    for field, text in names.items():
        if _CONTROL.search(text):
            raise Rejected("invalid_field", f"`data.{field}`: has a control character")


def check_labels(labels: Mapping[str, str], limits: Limits = LIMITS) -> None:
    """Refuse a set of labels or attributes that no series or row could carry. Raises ``Rejected``."""
    if len(labels) > limits.labels:
        raise Rejected("invalid_label", f"{len(labels)} labels; limits.labels is {limits.labels}")
    for name, value in labels.items():
        if not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
            raise Rejected("invalid_label", "a name must match [a-zA-Z_][a-zA-Z0-9_]* and not begin with __")
        if name in _RESERVED:
            raise Rejected("invalid_label", f"the name {name} is taken by the field `data.{name}`")
        if len(name) > limits.label_name_bytes:
            raise Rejected("invalid_label", f"a name is longer than limits.label_name_bytes, {limits.label_name_bytes}")
        if len(value.encode()) > limits.label_value_bytes:
            raise Rejected(
                "invalid_label", f"a value is longer than limits.label_value_bytes, {limits.label_value_bytes}"
            )
        if _CONTROL.search(value):
            raise Rejected("invalid_label", "a value has a control character")


def has_duplicate_keys(value: bytes) -> bool:
    """Whether a key is written twice in any object, at any level. Raises ``Rejected`` for what is not JSON at all."""
    if b"\\" not in value:
        try:
            once = msgspec.json.encode(msgspec.json.decode(value))
        except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError):
            pass  # odd: told apart below
        else:
            # Without escapes, what was decoded has all the quotation marks but those of members that came again.
            return once.count(b'"') < value.count(b'"')
    twice = False

    def look(pairs: list[tuple[str, object]]) -> None:
        nonlocal twice
        twice = twice or len(dict(pairs)) < len(pairs)

    try:
        # Numbers stay text: int() refuses more than 4,300 digits, and their values do not matter here.
        json.loads(value.decode(), object_pairs_hook=look, parse_int=str, parse_float=str)
    except UnicodeDecodeError:
        raise Rejected("invalid_utf8", "the text is not UTF-8") from None
    except RecursionError:
        raise Rejected("too_deep", f"nested deeper than {MAX_DEPTH}") from None
    except ValueError:
        raise Rejected("malformed_json", "the text is not JSON") from None
    return twice


def _structured(value: bytes, headers: Iterable[Header]) -> bytes:
    """The event as one JSON text, whichever mode the record is in."""
    known = [(name.lower(), text) for name, text in headers]
    content_types = [text or b"" for name, text in known if name == "content-type"]
    media_type = content_types[0].partition(b";")[0].strip().lower() if content_types else b""
    if media_type.startswith(b"application/cloudevents"):
        if media_type != b"application/cloudevents+json":
            raise Rejected("unsupported_format", "of the event formats only application/cloudevents+json is taken")
        return value
    attributes = [(name.removeprefix("ce_"), text) for name, text in known if name.startswith("ce_")]
    if not attributes:
        return value
    if media_type not in (b"", b"application/json"):
        raise Rejected("unsupported_format", "the data of a binary record must be application/json")
    return _from_binary(value, attributes)


def _from_binary(value: bytes, attributes: list[Header]) -> bytes:
    """Attributes and data of a binary record as one JSON text. Header values are UTF-8, without percent-encoding."""
    event: dict[str, object] = {}
    for name, text in attributes:
        if name in event:
            raise Rejected("duplicate_key", "a ce_ header is written twice")
        try:
            event[name] = (text or b"").decode()
        except UnicodeDecodeError:
            raise Rejected("invalid_utf8", "a ce_ header is not UTF-8") from None
    try:
        event["data"] = _RAW.decode(value)
    except msgspec.DecodeError as error:
        raise Rejected("malformed_json", _without_prefix(error)) from None
    except RecursionError:
        raise Rejected("too_deep", f"nested deeper than {MAX_DEPTH}") from None
    return msgspec.json.encode(event)


def _typed(text: bytes) -> Event:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Rejected("invalid_utf8", f"byte {error.start} is not UTF-8") from None
    if _depth(text) > MAX_DEPTH:
        raise Rejected("too_deep", f"nested deeper than {MAX_DEPTH}")
    try:
        return _EVENT.decode(text)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except msgspec.DecodeError as error:
        raise Rejected("malformed_json", _without_prefix(error)) from None


def _depth(text: bytes) -> int:
    """How deep objects and arrays nest: counted, because what the decoders bear depends on the caller's stack."""
    depth = deepest = 0
    for bracket in _NESTING.findall(_STRING.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refusal(message: str) -> Rejected:
    """msgspec's message as a category and a text that names the place and what was wanted, but no content."""
    path = _PATH.search(message)
    place = f"`{path[1]}`" if path and path[1] else "the event"
    if message.startswith("Invalid value ") and place == "`type`":
        return Rejected("unknown_type", "`type` names no event type of Tidewatch")
    if message.startswith(_WITHOUT_CONTENT):
        said = message[: path.start()] if path else message
        said = said[0].lower() + said[1:]
    elif message.startswith("Object contains unknown field"):
        said = "has an unknown field"
    else:
        said = "is not one of the allowed values"
    return Rejected("invalid_field", f"{place}: {said}")


def _without_prefix(error: msgspec.DecodeError) -> str:
    return str(error).removeprefix("JSON is malformed: ").lower()
