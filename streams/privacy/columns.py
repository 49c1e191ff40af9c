"""The same as :mod:`streams.privacy.protection`, for many processing events at once: who is in them, and their ids.

Their other texts are masked already. Where one of them, or the id, repeats who is in the event is only told apart here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.tables import Coded
from streams.privacy import freetext
from streams.privacy.protection import SHORTEST_NAME, Protection, Secret, without_cards
from streams.privacy.pseudonyms import Pseudonyms

PEOPLE = ("data_subject", "consent_id", "actor", "recipient")
"""Fields of a processing event that may say who somebody is, in the order in which they are sealed."""

_UUID_BYTES = 36
_DASHES = [8, 13, 18, 23]
_DIGITS = [at for at in range(_UUID_BYTES) if at not in _DASHES]
_IS_DIGIT = np.zeros(256, dtype=bool)
_IS_DIGIT[list(b"0123456789abcdefABCDEF")] = True


class People(NamedTuple):
    """Who is in some events, as it may be stored."""

    fields: dict[str, Coded]
    """Of each field in :data:`PEOPLE`."""
    secrets: list[list[Secret]]
    """Of each event."""


def can_protect(protection: Protection) -> bool:
    """Whether these fields are classified as their types say, or as public."""
    classes = dict(protection.classified["processing"])
    return all(classes[name] in ("direct_identifier", "quasi_identifier", "public") for name in PEOPLE)


def people(protection: Protection, said: Mapping[str, Coded], tenants: Coded, record_ms: Sequence[int]) -> People:
    """``said`` is what the events say in the fields of :data:`PEOPLE`."""
    classes, pseudonyms = dict(protection.classified["processing"]), protection.pseudonyms
    fields: dict[str, Coded] = {}
    secrets: list[list[Secret]] = [[] for _ in record_ms]
    subjects = _listed(_pseudonyms(pseudonyms, tenants, said["data_subject"])) if pseudonyms else []
    owners = _listed(tenants)
    for name, (codes, values) in said.items():
        texts = [without_cards(value) for value in values]
        if pseudonyms is None or classes[name] == "public":
            fields[name] = Coded(codes, texts)
            continue
        own = fields[name] = _pseudonyms(pseudonyms, tenants, said[name])
        persons = _listed(own)
        if classes[name] != "direct_identifier":
            persons = [subject or person for subject, person in zip(subjects, persons, strict=True)]
        stated = np.flatnonzero(np.array(list(map(bool, values)))[codes]).tolist()
        numbers = np.asarray(codes).tolist()
        for row in stated:
            secrets[row].append(Secret(owners[row], persons[row], name, texts[numbers[row]], record_ms[row]))
    return People(fields, secrets)


def named(protection: Protection, said: Mapping[str, Coded], texts: Coded, ids: Sequence[str]) -> NDArray[np.bool_]:
    """Events of which a text, or the id, holds who is in them; ``texts`` are all of an event in one, in lower case."""
    classes = dict(protection.classified["processing"])
    found = np.zeros(len(ids), dtype=bool)
    if protection.pseudonyms is None:
        return found
    around, lower = _listed(texts), [each.lower() for each in ids]
    for name, column in said.items():
        if classes[name] != "public":
            looked_for = Coded(column.codes, [v.lower() if len(v) >= SHORTEST_NAME else None for v in column.values])
            each = zip(_listed(looked_for), around, lower, strict=True)
            found |= np.array([who is not None and (who in text or who in id_) for who, text, id_ in each], dtype=bool)
    return found


def masked_ids(ids: Any) -> list[str]:
    """Ids of events, an Arrow array of texts, without what may name a person."""
    said: list[str] = ids.to_pylist()
    unclear = np.flatnonzero(~_are_uuids(ids)).tolist()
    if not freetext.is_harmless("\n".join([said[at] for at in unclear])):
        for at in unclear:
            said[at] = freetext.masked(said[at])
    return said


def _are_uuids(texts: Any) -> NDArray[np.bool_]:
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1)
    found: NDArray[np.bool_] = np.diff(ends) == _UUID_BYTES
    if found.any():
        at = np.flatnonzero(found)
        read = np.frombuffer(data, np.uint8)[ends[at][:, None] + np.arange(_UUID_BYTES)]
        found[at] = (read[:, _DASHES] == ord("-")).all(axis=1) & _IS_DIGIT[read[:, _DIGITS]].all(axis=1)
    return found


def _pseudonyms(pseudonyms: Pseudonyms, tenants: Coded, said: Coded) -> Coded:
    """Of each text; an empty one has none."""
    count = len(said.values)
    pairs, codes = np.unique(np.asarray(tenants.codes) * count + np.asarray(said.codes), return_inverse=True)
    places = [divmod(pair, count) for pair in pairs.tolist()]
    whose = [(tenants.values[tenant], said.values[text]) for tenant, text in places]
    return Coded(codes, [text and pseudonyms.of(tenant, text) for tenant, text in whose])


def _listed(column: Coded) -> list[Any]:
    values = column.values
    return [values[code] for code in np.asarray(column.codes).tolist()]
