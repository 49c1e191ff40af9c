"""The same as :mod:`streams.privacy.protection`, for many processing events at once: who is in them, and their ids.

Their other texts are masked already. Where one of them, or the id, repeats who is in the event is only told apart here.
"""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.tables import Coded
from streams.privacy import cards, freetext
from streams.privacy.protection import SHORTEST_NAME, Protection, Secret, without_cards
from streams.privacy.pseudonyms import Pseudonyms
from streams.privacy.to_seal import Told, secrets, stated

PEOPLE = ("data_subject", "consent_id", "actor", "recipient")
"""Fields of a processing event that may say who somebody is, in the order in which they are sealed."""

_WORD, _FIRST_WORD = re.compile(r"\w+"), re.compile(r"^\w+", re.M)
_ODD_ENDS = re.compile(r"^[^0-9a-z]|[^0-9a-z]$", re.M)
_LIKE_UUIDS = re.compile(r"^[0-9a-f-]+$", re.M)
_ANY_DIGIT = str.maketrans("123456789", "0" * 9)

_UUID_BYTES = 36
_SORTS = np.ones(_UUID_BYTES, np.uint8)
_SORTS[[8, 13, 18, 23]] = 2
"""Of the characters of a UUID: 1 a hexadecimal digit, 2 a hyphen."""
_SORT = np.zeros(256, np.uint8)
_SORT[list(b"0123456789abcdefABCDEF")], _SORT[ord("-")] = 1, 2


class People(NamedTuple):
    """Who is in some events, as it may be stored."""

    fields: dict[str, Coded]
    """Of each field in :data:`PEOPLE`."""
    secrets: Sequence[tuple[Secret, ...]]
    """Of each event."""


def can_protect(protection: Protection) -> bool:
    """Whether these fields are classified as their types say, or as public."""
    classes = dict(protection.classified["processing"])
    return all(classes[name] in ("direct_identifier", "quasi_identifier", "public") for name in PEOPLE)


def people(protection: Protection, said: Mapping[str, Coded], tenants: Coded, record_ms: NDArray[np.int64]) -> People:
    """``said`` is what the events say in the fields of :data:`PEOPLE`."""
    classes, pseudonyms = dict(protection.classified["processing"]), protection.pseudonyms
    texts = {name: Coded(codes, _without_cards(values)) for name, (codes, values) in said.items()}
    if pseudonyms is None:
        return People(texts, [()] * len(record_ms))
    own = {name: _pseudonyms(pseudonyms, tenants, column) for name, column in said.items()}
    sealed = {name: classes[name] == "direct_identifier" for name in PEOPLE if classes[name] != "public"}
    fields = {name: texts[name] if classes[name] == "public" else own[name] for name in PEOPLE}
    if not sealed:
        return People(fields, [()] * len(record_ms))
    return People(fields, secrets(Told(sealed, own, own["data_subject"], texts, tenants, record_ms)))


def words(text: str) -> list[str]:
    """The words of a text in lower case, each by its :func:`form`."""
    return _WORD.findall(form(text))


def named(
    protection: Protection, said: Mapping[str, Coded], around: Coded, common: Set[str], ids: "Ids"
) -> NDArray[np.intp]:
    """Events whose people are named in another text, or in the id.

    ``around`` are all texts of an event in one, in lower case, and ``common`` the words that are in any of them: a name
    is found by itself only, so that its first word is among these.
    """
    classes = dict(protection.classified["processing"])
    found: list[int] = []
    for name, (codes, values) in said.items():
        is_hidden = protection.pseudonyms is not None and classes[name] != "public"
        if is_hidden and _may_be_named(values, common, ids):
            lower = [value.lower() if len(value) >= SHORTEST_NAME else "" for value in values]
            looked_for = Coded(np.asarray(codes), lower)
            rows = np.flatnonzero(stated(looked_for))
            each = zip(rows.tolist(), listed(looked_for, rows), listed(around, rows), strict=True)
            # a name in other letters can be written in many ways
            found += [r for r, who, text in each if not who.isascii() or who in text or who in ids.texts[r].lower()]
    return np.array(found, dtype=np.intp)


def form(text: str) -> str:
    """Of a text in lower case: names that differ in their digits alone, as most do, are looked at once."""
    return text.translate(_ANY_DIGIT)


def _may_be_named(names: Sequence[str], common: Set[str], ids: "Ids") -> bool:
    """Whether any of the names, which have no line ends, may be in a text or in an id."""
    forms = set(form("\n".join(names).lower()).split("\n"))
    together = "\n".join(name for name in forms if len(name) >= SHORTEST_NAME)
    if not together.isascii() or _ODD_ENDS.search(together) or not common.isdisjoint(_FIRST_WORD.findall(together)):
        return True
    return bool(together) and (not ids.are_uuids or _LIKE_UUIDS.search(together) is not None)


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
    """Of texts without line ends, each once."""
    joined = "\n".join(texts)
    if joined.isascii() and texts:
        read = np.frombuffer(joined.encode(), np.uint8)
        begins = np.append(0, np.flatnonzero(read == ord("\n")))
        digits = ((read >= ord("0")) & (read <= ord("9"))).astype(np.int64)
        if not len(read) or np.add.reduceat(digits, begins).max() < cards.SHORTEST:
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
        return Coded(said.codes, pseudonyms.of_each(tenants.values[0], said.values))
    count = len(said.values)
    pairs, codes = np.unique(np.asarray(tenants.codes) * count + np.asarray(said.codes), return_inverse=True)
    places = [divmod(pair, count) for pair in pairs.tolist()]
    whose = [(tenants.values[tenant], said.values[text]) for tenant, text in places]
    return Coded(codes, [text and pseudonyms.of(tenant, text) for tenant, text in whose])


def listed(column: Coded, rows: NDArray[np.integer[Any]]) -> list[Any]:
    """The values of a column in the given rows."""
    return list(map(column.values.__getitem__, np.asarray(column.codes)[rows].tolist()))
