"""The fast way from bytes to events; whatever is unusual goes to the exact judge, :mod:`schemas.cloudevents`.

A metric's labels stay as they came (``msgspec.Raw``): a label set is looked at once, when its series is first seen.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from schemas import cloudevents
from schemas.events import (
    DEFAULT_TENANT,
    Event,
    Health,
    HealthEvent,
    Metric,
    MetricEvent,
    ProcessingEvent,
    SecurityEvent,
)
from schemas.events.envelope import Envelope
from schemas.failures import Rejected
from streams.batch import Headers

RawMetric = msgspec.defstruct(
    "RawMetric",
    [
        (field.name, msgspec.Raw if field.name == "labels" else field.type)
        if field.required
        else (
            field.name,
            (msgspec.Raw if field.name == "labels" else field.type) | msgspec.UnsetType,
            msgspec.UNSET,
        )
        for field in msgspec.structs.fields(Metric)
    ],
    frozen=True,
    kw_only=True,
    gc=False,
    forbid_unknown_fields=True,
)
"""A :class:`Metric` whose optional fields are UNSET when absent and whose labels are not decoded."""

RawMetricEvent = msgspec.defstruct(
    "RawMetricEvent",
    [("data", RawMetric)],
    bases=(Envelope,),
    frozen=True,
    kw_only=True,
    gc=False,
    tag=MetricEvent.__struct_config__.tag,
)

decode_one: Callable[[bytes], object] = msgspec.json.Decoder(
    RawMetricEvent | SecurityEvent | ProcessingEvent | HealthEvent
).decode

LabelsDecoder = msgspec.json.Decoder(dict[str, str])

Failure = tuple[int, Rejected]
"""Index of a record in its batch, and why it can never be processed."""

_DECODER_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
"""Decoders raise more than their own errors (docs/decisions: measured on hostile input)."""

_encode = msgspec.json.Encoder().encode


def plain(values: Sequence[bytes | None], headers: Sequence[Headers] | None, limit: int) -> list[object] | None:
    """Every record decoded, or None when any of them needs the exact judge."""
    if headers is not None or max(map(len, filter(None, values)), default=0) > limit:
        return None
    try:
        events = list(map(decode_one, values))  # type: ignore[arg-type] # a tombstone raises TypeError
    except (*_DECODER_ERRORS, TypeError):
        return None
    return None if any(map(_is_doubtful, events, values)) else events


def one_by_one(
    values: Sequence[bytes | None], headers: Sequence[Headers] | None, limit: int
) -> tuple[list[object], list[int], list[Failure]]:
    """Decoded events, the index of each in ``values``, and the failures: a bad record costs itself alone."""
    events: list[object] = []
    indexes: list[int] = []
    failures: list[Failure] = []
    for index, value in enumerate(values):
        try:
            events.append(_judged(value, headers[index] if headers else (), limit))
        except Rejected as rejected:
            failures.append((index, rejected))
        else:
            indexes.append(index)
    return events, indexes, failures


def _judged(value: bytes | None, headers: Headers, limit: int) -> object:
    if value is not None and not headers and len(value) <= limit:
        try:
            event = decode_one(value)
        except _DECODER_ERRORS:
            pass
        else:
            if not _is_doubtful(event, value):
                return event
    return raw(cloudevents.decode(value, headers))


def _is_doubtful(event: object, value: Any) -> bool:
    """Whether a key is written twice outside of a metric's labels, which are looked at when their series is first seen.

    Written anew, an event has ``datacontenttype``, which a metric seldom brings, and no member twice. So when the text
    has the quotation marks of that less those of this one member, none is there twice: each would add two at least.
    """
    if type(event) is RawMetricEvent and b"\\" not in value and value.count(b'"') == _encode(event).count(b'"') - 4:
        return False
    try:
        return cloudevents.has_duplicate_keys(value)
    except Rejected:  # decoders skip what they do not know, which may be no text
        return True


def raw(event: Event) -> object:
    """The event as the fast decoder would have given it."""
    if not isinstance(event, MetricEvent):
        return event
    data = {name: value for name, value in msgspec.structs.asdict(event.data).items() if name != "labels"}
    envelope = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "data"}
    return RawMetricEvent(data=RawMetric(labels=msgspec.Raw(_encode(event.data.labels)), **data), **envelope)


__all__ = ["DEFAULT_TENANT", "Health", "LabelsDecoder", "RawMetric", "RawMetricEvent", "one_by_one", "plain"]
