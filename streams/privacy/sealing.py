"""AES-256-GCM with nonces that follow from what is encrypted: the same text under the same key is the same ciphertext.

So a batch that is repeated gives the same rows, and no nonce is ever used for two texts: it is a keyed hash of the text
and of what it is bound to, as in SIV (Rogaway and Shrimpton, 2006). What equal ciphertexts tell, that two texts are
equal, the pseudonym beside them tells anyway.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.failures import Rejected

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "s1"


class Cipher:
    """One key of :data:`KEY_BYTES` random bytes, for encryption and for nonces."""

    def __init__(self, material: bytes) -> None:
        assert len(material) == KEY_BYTES
        self._nonces = hmac.digest(material, b"tidewatch nonces", "sha256")
        self._cipher = AESGCM(hmac.digest(material, b"tidewatch texts", "sha256"))

    def seal(self, text: bytes, bound: bytes) -> bytes:
        """Nonce and ciphertext; ``bound`` is what it belongs to, without which it cannot be opened."""
        nonce = hmac.digest(self._nonces, len(bound).to_bytes(4) + bound + text, "sha256")[:_NONCE_BYTES]
        return nonce + self._cipher.encrypt(nonce, text, bound)

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """The text. Raises ``Rejected`` when another key or anything else than ``bound`` was used."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise Rejected("a ciphertext does not fit its key: it was altered, or belongs elsewhere") from None


class Sealed(NamedTuple):
    """A ciphertext as it stands in a row."""

    key_id: str
    """Which key of the person opens it."""
    body: bytes

    def text(self) -> str:
        """``s1.KEY_ID.BODY`` in base64url."""
        return f"{_VERSION}.{self.key_id}.{urlsafe_b64encode(self.body).decode()}"


def read(text: str) -> Sealed:
    """What :meth:`Sealed.text` wrote. Raises ``Rejected`` for anything else."""
    version, _, rest = text.partition(".")
    key_id, _, body = rest.partition(".")
    try:
        if version == _VERSION and key_id:
            return Sealed(key_id, urlsafe_b64decode(body))
    except ValueError:
        pass
    raise Rejected("a sealed value is written in a way that this version does not know")


def binding(tenant: str, person: str, field: str) -> bytes:
    """What a person's value is bound to: it opens for nobody else, and in no other field."""
    return "\0".join((tenant, person, field)).encode()
