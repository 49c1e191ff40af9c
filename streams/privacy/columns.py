"""The same as :mod:`streams.privacy.protection`, for many processing events at once: who is in them, and their ids.

Their other texts are masked already. Where one of them, or the id, repeats who is in the event is only told apart here.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.tables import Coded
from streams.privacy import cards, freetext
from streams.privacy.protection import SHORTEST_NAME, Protection, Secret, without_cards
from streams.privacy.pseudonyms import Pseudonyms

PEOPLE = ("data_subject", "consent_id", "actor", "recipient")
"""Fields of a processing event that may say who somebody is, in the order in which they are sealed."""

_UUID_BYTES = 36
_OF_UUIDS = "0123456789abcdef-"
_SORTS = np.ones(_UUID_BYTES, np.uint8)
_SORTS[[8, 13, 18, 23]] = 2
"""Of the characters of a UUID: 1 a hexadecimal digit, 2 a hyphen."""
_SORT = np.zeros(256, np.uint8)
_SORT[list(b"0123456789abcdefABCDEF")], _SORT[ord("-")] = 1, 2


class People(NamedTuple):
    """Who is in some events, as it may be stored."""

    fields: dict[str, Coded]
    """Of each field in :data:`PEOPLE`."""
    secrets: list[tuple[Secret, ...]]
    """Of each event."""


def can_protect(protection: Protection) -> bool:
    """Whether these fields are classified as their types say, or as public."""
    classes = dict(protection.classified["processing"])
    return all(classes[name] in ("direct_identifier", "quasi_identifier", "public") for name in PEOPLE)


def people(protection: Protection, said: Mapping[str, Coded], tenants: Coded, record_ms: Sequence[int]) -> People:
    """``said`` is what the events say in the fields of :data:`PEOPLE`."""
    classes, pseudonyms = dict(protection.classified["processing"]), protection.pseudonyms
    fields: dict[str, Coded] = {}
    sealed: list[list[Secret | None]] = []
    for name, (codes, values) in said.items():
        texts = _without_cards(values)
        if pseudonyms is None or classes[name] == "public":
            fields[name] = Coded(codes, texts)
            continue
        fields[name] = _pseudonyms(pseudonyms, tenants, said[name])
        rows = _stated(said[name])
        persons = listed(fields[name], rows)
        if classes[name] != "direct_identifier":
            subjects = listed(_pseudonyms(pseudonyms, tenants, said["data_subject"]), rows)
            persons = [subject or person for subject, person in zip(subjects, persons, strict=True)]
        at = rows.tolist()
        cut, times = listed(Coded(codes, texts), rows), map(record_ms.__getitem__, at)
        column: list[Secret | None] = [None] * len(record_ms)
        for row, tenant, person, text, ms in zip(at, listed(tenants, rows), persons, cut, times, strict=True):
            column[row] = Secret(tenant, person, name, text, ms)
        sealed.append(column)
    rows_of = zip(*sealed, strict=True) if sealed else repeat((), len(record_ms))
    return People(fields, [tuple(filter(None, row)) for row in rows_of])


def named(protection: Protection, said: Mapping[str, Coded], around: Coded, ids: "Ids") -> NDArray[np.intp]:
    """Events whose people are named in another text, or in the id; ``around``: all texts in one, in lower case."""
    classes = dict(protection.classified["processing"])
    found: list[int] = []
    lower_ids = "\n".join(ids.texts).lower().split("\n")
    for name, (codes, values) in said.items():
        if protection.pseudonyms is None or classes[name] == "public":
            continue
        lower = [value.lower() if len(value) >= SHORTEST_NAME else "" for value in values]
        unclear = np.array([not who.isascii() for who in lower], dtype=bool)  # they can be written in many ways
        found += np.flatnonzero(unclear[codes]).tolist()
        looked_for = Coded(np.asarray(codes), lower)
        rows = _stated(looked_for)
        each = zip(rows.tolist(), listed(looked_for, rows), listed(around, rows), strict=True)
        found += [row for row, who, text in each if who in text]
        may_be_in_ids = np.array([not ids.are_uuids or not who.strip(_OF_UUIDS) for who in lower], dtype=bool)
        rows = rows[may_be_in_ids[looked_for.codes][rows]]
        named_ids = zip(rows.tolist(), listed(looked_for, rows), strict=True)
        found += [row for row, who in named_ids if who in lower_ids[row]]
    return np.array(found, dtype=np.intp)


class Ids(NamedTuple):
    """Ids of events, as they may be stored."""

    texts: list[str]
    are_uuids: bool
    """All of them."""


def masked_ids(ids: Any) -> Ids:
    """``ids``, an Arrow array of texts, without what may name a person."""
    said: list[str] = ids.to_pylist()
    are_uuids = _are_uuids(ids)
    unclear = np.flatnonzero(~are_uuids).tolist()
    if not freetext.is_harmless("\n".join([said[at] for at in unclear])):
        for at in unclear:
            said[at] = freetext.masked(said[at])
    return Ids(said, not unclear)


def _without_cards(texts: Sequence[str]) -> list[str]:
    if cards.are_none("\n".join([text for text in texts if len(text) >= cards.SHORTEST])):
        return list(texts)
    return list(map(without_cards, texts))


def _are_uuids(texts: Any) -> NDArray[np.bool_]:
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1)
    found: NDArray[np.bool_] = np.diff(ends) == _UUID_BYTES
    if found.any():
        at, read = np.flatnonzero(found), np.frombuffer(data, np.uint8)
        lines = read.reshape(-1, _UUID_BYTES) if found.all() else read[ends[at][:, None] + np.arange(_UUID_BYTES)]
        found[at] = (_SORT[lines] == _SORTS).all(axis=1)
    return found


def _pseudonyms(pseudonyms: Pseudonyms, tenants: Coded, said: Coded) -> Coded:
    """Of each text; an empty one has none."""
    if len(tenants.values) == 1:
        return Coded(said.codes, [text and pseudonyms.of(tenants.values[0], text) for text in said.values])
    count = len(said.values)
    pairs, codes = np.unique(np.asarray(tenants.codes) * count + np.asarray(said.codes), return_inverse=True)
    places = [divmod(pair, count) for pair in pairs.tolist()]
    whose = [(tenants.values[tenant], said.values[text]) for tenant, text in places]
    return Coded(codes, [text and pseudonyms.of(tenant, text) for tenant, text in whose])


def _stated(said: Coded) -> NDArray[np.intp]:
    return np.flatnonzero(np.array([text != "" for text in said.values], dtype=bool)[said.codes])


def listed(column: Coded, rows: NDArray[np.intp]) -> list[Any]:
    """The values of a column in the given rows."""
    return list(map(column.values.__getitem__, np.asarray(column.codes)[rows].tolist()))
