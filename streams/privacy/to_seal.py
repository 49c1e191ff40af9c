"""The secrets of many events at once: columns are sorted, and each object is made once, where it belongs."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.tables import Coded
from streams.privacy.protection import Secret


def secrets(
    fields: Mapping[str, bool],
    pseudonyms: Mapping[str, Coded],
    subject: Coded,
    texts: Mapping[str, Coded],
    tenants: Coded,
    record_ms: Sequence[int],
) -> list[tuple[Secret, ...]]:
    """For each event a secret of every field that it states, in the order of ``fields``.

    It is sealed under the key of that person where ``fields`` says that it identifies somebody directly; else under the
    one of the ``subject`` whom the event is about, if there is one. Persons are their ``pseudonyms``.
    """
    names = list(fields)
    rows, kinds, persons, said = ([np.empty(0, np.intp)] for _ in range(4))
    people, words = list(subject.values), list[str]()
    has_subject = stated(subject)
    for number, (name, is_direct) in enumerate(fields.items()):
        own, text = pseudonyms[name], texts[name]
        places = np.flatnonzero(stated(text))
        person = np.asarray(own.codes)[places] + len(people)
        if not is_direct:
            person = np.where(has_subject[places], np.asarray(subject.codes)[places], person)
        rows.append(places)
        kinds.append(np.full(len(places), number))
        persons.append(person)
        said.append(np.asarray(text.codes)[places] + len(words))
        people += own.values
        words += text.values
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    row = row[order]
    made = map(
        Secret,
        _taken(tenants.values, np.asarray(tenants.codes)[row]),
        _taken(people, np.concatenate(persons)[order]),
        _taken(names, np.concatenate(kinds)[order]),
        _taken(words, np.concatenate(said)[order]),
        _taken(record_ms, row),
    )
    together = tuple(made)
    ends = accumulate(np.bincount(row, minlength=len(record_ms)).tolist(), initial=0)
    return [together[begin:end] for begin, end in pairwise(ends)]


def stated(column: Coded) -> NDArray[np.bool_]:
    """In which rows there is a text."""
    return np.array([text != "" for text in column.values], dtype=bool)[column.codes]


def _taken(values: Sequence[Any], codes: NDArray[np.intp]) -> "map[Any]":
    return map(values.__getitem__, codes.tolist())
