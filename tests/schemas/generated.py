"""Events of every type, generated from the fields of their structs."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from schemas.events import Event, HealthEvent, MetricEvent, Processing, ProcessingEvent, SecurityEvent

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
