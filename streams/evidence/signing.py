"""Ed25519 (RFC 8032): signatures follow from key and bytes alone, so whoever seals the same hour again seals it alike.

A key is written as text: 64 hexadecimal digits, the 32 bytes that RFC 8032 calls the private key or the public key.
"""

import re
from collections.abc import Iterable
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.failures import Rejected

_KEY = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


class SigningKey:
    """A private key, which never shows itself."""

    def __init__(self, text: str) -> None:
        """Raises Rejected for what is no key; the message does not quote it."""
        if not _KEY.fullmatch(text.strip()):
            raise Rejected("a signing key has 64 hexadecimal digits: make one with tidewatch audit keygen FILE")
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
        self.public = self._key.public_key().public_bytes_raw().hex()
        self.id = key_id(self.public)

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"

    def sign(self, text: str) -> str:
        """The signature of a text's UTF-8 bytes, 128 hexadecimal digits."""
        return self._key.sign(text.encode()).hex()


class PublicKeys:
    """The keys that somebody trusts, by id."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Raises Rejected for what is no public key."""
        self._keys: dict[str, Ed25519PublicKey] = {}
        for each in texts:
            if not _KEY.fullmatch(each.strip()):
                raise Rejected("a public key has 64 hexadecimal digits: tidewatch audit keygen prints it")
            self._keys[key_id(each.strip())] = Ed25519PublicKey.from_public_bytes(bytes.fromhex(each.strip()))

    def __bool__(self) -> bool:
        return bool(self._keys)

    def problem(self, key: str, text: str, signature: str) -> str | None:
        """Why the signature of the key with this id does not hold; None when it does."""
        if not key:
            return "is not signed"
        if key not in self._keys:
            return f"is signed with the key {key}, which was not given"
        if not _SIGNATURE.fullmatch(signature):
            return "has no signature in the form of one"
        try:
            self._keys[key].verify(bytes.fromhex(signature), text.encode())
        except InvalidSignature:
            return "has a signature that does not fit"
        return None


def key_id(public: str) -> str:
    """The first 16 hexadecimal digits of the public key's SHA-256."""
    return sha256(bytes.fromhex(public)).hexdigest()[:16]
