"""The secrets of many events. They wait as columns: objects are made of them where they are sealed, a few at a time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.tables import Coded
from streams.lazy import Lazy
from streams.privacy.protection import Secret


class Told(NamedTuple):
    """What some events say of people, in columns of equal length. Persons are their pseudonyms."""

    fields: Mapping[str, bool]
    """In the order in which they are sealed: whether each identifies somebody directly."""
    persons: Mapping[str, Coded]
    """Of each field."""
    subject: Coded
    """The person whom an event is about; empty when there is none."""
    texts: Mapping[str, Coded]
    """Of each field."""
    tenants: Coded
    record_ms: NDArray[np.int64]


def secrets(told: Told) -> Lazy:
    """For each event a tuple with a secret of every field that it states, in the order of the fields.

    It is sealed under the key of that person where the field identifies somebody directly; else under the one of the
    subject, if there is one.
    """

    def made(rows: NDArray[np.intp]) -> list[tuple[Secret, ...]]:
        tenants, subjects = _of(told.tenants, rows), _of(told.subject, rows)
        record_ms = told.record_ms[rows].tolist()
        by_field = []
        for field, is_direct in told.fields.items():
            persons, texts = _of(told.persons[field], rows), _of(told.texts[field], rows)
            if not is_direct:
                persons = [subject or own for subject, own in zip(subjects, persons, strict=True)]
            each = zip(tenants, persons, texts, record_ms, strict=True)
            by_field.append([text and Secret(tenant, person, field, text, ms) for tenant, person, text, ms in each])
        return [tuple(filter(None, stated)) for stated in zip(*by_field, strict=True)]

    return Lazy(made, np.arange(len(told.record_ms)))


def stated(column: Coded) -> NDArray[np.bool_]:
    """In which rows there is a text."""
    return np.array([text != "" for text in column.values], dtype=bool)[column.codes]


def _of(column: Coded, rows: NDArray[np.intp]) -> list[Any]:
    return list(map(column.values.__getitem__, np.asarray(column.codes)[rows].tolist()))
