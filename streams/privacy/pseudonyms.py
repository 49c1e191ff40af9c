"""Keyed pseudonyms: the same value of a tenant has the same one, so that rows can be counted and joined by them."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

_BLOCK_BYTES = 64
"""Of SHA-256."""

_DIGITS = 24
"""Hexadecimal: 96 bits, so that a billion persons share none."""

_REMEMBERED = 65_536

_TOGETHER_BYTES = 12


class Pseudonyms:
    """HMAC-SHA-256 (RFC 2104) under a key that never changes, cut to 96 bits.

    Both hashes begin with the key: that part is done once, and copied for each text.
    """

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner, self._outer = (sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
        self.of = lru_cache(_REMEMBERED)(self._of)

    def _of(self, tenant: str, value: str) -> str:
        """``p-`` and 24 hexadecimal digits. Texts that only encode the same characters in two ways have one."""
        return self.of_each(tenant, (value,))[0]

    def of_each(self, tenant: str, values: Sequence[str]) -> list[str]:
        """Of several; an empty one has none. Nothing is remembered: for many persons that costs as much as it saves."""
        begun, found = self._inner.copy(), []
        begun.update(f"{tenant}\0".encode("utf-8", "surrogatepass"))
        encode = str.encode if "".join(values).isascii() else _encoded
        for said in map(encode, values):
            inner, outer = begun.copy(), self._outer.copy()
            inner.update(said)
            outer.update(inner.digest())
            found.append("p-" + outer.hexdigest()[:_DIGITS] if said else "")
        return found

    def together(self, tenant: str, values: Sequence[str]) -> bytes:
        """12 bytes that stand for several values; they are none that stand for a single one."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(joined(tenant, values))
        outer.update(inner.digest())
        return outer.digest()[:_TOGETHER_BYTES]


def joined(tenant: str, values: Sequence[str]) -> bytes:
    """Several values as one text."""
    return b"\0\0".join((tenant.encode("utf-8", "surrogatepass"), *map(_encoded, values)))


def _encoded(value: str) -> bytes:
    return value.encode() if value.isascii() else unicodedata.normalize("NFC", value).encode("utf-8", "surrogatepass")
