"""The keys of persons for one worker: remembered, else read from ClickHouse, else made and stored before they are used.

Workers that meet a person at the same time may each make a key. Both are stored, ciphertexts say which one they need,
and an erasure destroys all of them. The order in which things are done makes an erasure hold whatever happens at the
same time: the keyring stores a key and only then looks for erasures, an erasure is recorded and only then destroys keys
(docs/decisions/0013-keys-of-persons.md).
"""

import hmac
import os
import time
from collections.abc import Iterable
from functools import lru_cache

from schemas.failures import Rejected
from schemas.keys import MasterKeys, Unwrapped, Wrapped
from sinks import subject_keys
from sinks.clickhouse import ClickHouse
from sinks.subject_keys import SubjectKey
from streams.privacy.protection import Secret
from streams.privacy.sealing import KEY_BYTES, Cipher, Sealed, binding

Person = tuple[str, str]
"""Tenant and pseudonym."""

_PERSONS, _TEXTS = 200_000, 65_536
"""How many ciphers and ciphertexts are remembered."""

_OVERLAP_MS = 600_000
"""Erasures are looked for again so far back: another machine's clock may be behind."""


class Keyring:
    """Not for several threads at once."""

    def __init__(self, clickhouse: ClickHouse, master: MasterKeys) -> None:
        self._clickhouse = clickhouse
        self._master = master
        self._ciphers: dict[Person, tuple[str, Cipher]] = {}
        self._erased: dict[Person, int] = {}
        self._looked_until_ms = 0
        self._seal = lru_cache(_TEXTS)(self._sealed)

    def sealed(self, secrets: Iterable[Iterable[Secret]]) -> list[list[tuple[str, str]]]:
        """For the secrets of each row, fields and ciphertexts; nothing for a person erased after the record came.

        Raises ``Unavailable`` when ClickHouse or the keeper of the master keys is.
        """
        rows = [list(row) for row in secrets]
        self._look_for_erasures()
        while missing := {(s.tenant, s.person) for row in rows for s in row if self._is_due(s)} - self._ciphers.keys():
            self._fetch(missing)
            self._look_for_erasures()
        return [
            [(s.field, self._seal(s.tenant, s.person, s.field, s.text)) for s in row if self._is_due(s)] for row in rows
        ]

    def _is_due(self, secret: Secret) -> bool:
        return secret.record_ms > self._erased.get((secret.tenant, secret.person), -1)

    def _sealed(self, tenant: str, person: str, field: str, text: str) -> str:
        key_id, cipher = self._ciphers[tenant, person]
        return Sealed(key_id, cipher.seal(text.encode(), binding(tenant, person, field))).text()

    def _look_for_erasures(self) -> None:
        for tenant, person, erased_ms in subject_keys.erasures_since(self._clickhouse, self._looked_until_ms):
            self._looked_until_ms = max(self._looked_until_ms, erased_ms - _OVERLAP_MS)
            if self._erased.get((tenant, person), -1) < erased_ms:
                self._erased[tenant, person] = erased_ms
                self._ciphers.pop((tenant, person), None)
                self._seal.cache_clear()

    def _fetch(self, persons: set[Person]) -> None:
        """Ciphers for these persons, none of whom has one here."""
        if len(self._ciphers) > _PERSONS:
            self._ciphers.clear()
        unknown: dict[str, set[str]] = {}
        for tenant, person in persons:
            unknown.setdefault(tenant, set()).add(person)
        for tenant, some in unknown.items():
            self._read(tenant, some)
            self._make(tenant, some)

    def _read(self, tenant: str, persons: set[str]) -> None:
        """The stored keys; of several that a person has, the one with the lowest id."""
        found: dict[str, SubjectKey] = {}
        for key in subject_keys.keys_of(self._clickhouse, tenant, persons):
            found.setdefault(key.person, key)
        wrapped = [Wrapped(key_binding(key), key.wrapped) for key in found.values()]
        for key, material in zip(found.values(), self._master.unwrap(tenant, wrapped) if wrapped else [], strict=True):
            self._ciphers[tenant, key.person] = key.key_id, Cipher(material)

    def _make(self, tenant: str, persons: set[str]) -> None:
        """Keys for those who have none, stored before anything is sealed by them."""
        now_ms = time.time_ns() // 1_000_000
        missing = sorted(person for person in persons if (tenant, person) not in self._ciphers)
        new = [SubjectKey(tenant, person, os.urandom(8).hex(), "", now_ms) for person in missing]
        materials = [os.urandom(KEY_BYTES) for _ in new]
        if not new:
            return
        asked = [Unwrapped(key_binding(key), material) for key, material in zip(new, materials, strict=True)]
        wrapped = self._master.wrap(tenant, asked)
        stored = [key._replace(wrapped=text) for key, text in zip(new, wrapped, strict=True)]
        subject_keys.add(self._clickhouse, stored, now_ms)
        for key, material in zip(new, materials, strict=True):
            self._ciphers[tenant, key.person] = key.key_id, Cipher(material)


def check_keys(clickhouse: ClickHouse, master: MasterKeys) -> None:
    """Raises ``Rejected`` unless these are the master keys that the database has always been used with.

    With others, everybody would have a second pseudonym, and nothing stored could be opened.
    """
    fingerprint = hmac.digest(master.pseudonym_key(), b"tidewatch fingerprint", "sha256").hex()[:16]
    known = {key.key_id for key in subject_keys.keys_of(clickhouse, "", {""})}
    if not known:
        now_ms = time.time_ns() // 1_000_000
        subject_keys.add(clickhouse, [SubjectKey("", "", fingerprint, "", now_ms)], now_ms)
        known = {key.key_id for key in subject_keys.keys_of(clickhouse, "", {""})}
    if known != {fingerprint}:
        raise Rejected(
            f"these are not the master keys that {clickhouse.database} was filled with; restore those, or start anew "
            "with another database (privacy.keys_file)"
        )


def key_binding(key: SubjectKey) -> bytes:
    """What a wrapped key is bound to: it opens for no other person."""
    return binding(key.tenant, key.person, key.key_id)
