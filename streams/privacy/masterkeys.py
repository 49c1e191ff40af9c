"""The keys above all others: one for pseudonyms, and one for each tenant, under which the keys of persons are wrapped.

A tenant's key is derived from a root (HKDF, RFC 5869), so that a new tenant needs no new secret. Roots have versions:
a new one wraps from then on, and the older ones open what they have wrapped until ``tidewatch keys rotate`` has wrapped
it anew.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.failures import Rejected
from schemas.keys import Unwrapped, Wrapped
from streams.privacy.sealing import KEY_BYTES, Cipher


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key file holds, in JSON; keys are 32 random bytes in base64url."""

    pseudonyms: str
    """The key of pseudonyms. Another one would be another pseudonym for everybody."""
    current: int
    """The version that wraps."""
    roots: dict[str, str]
    """Version -> root."""


class LocalKeys:
    """Master keys out of a key file or a variable."""

    def __init__(self, file: KeyFile, read_again: Callable[[], KeyFile] | None = None) -> None:
        """``read_again``: how to have the file anew, for when it has got another root meanwhile."""
        self._read_again = read_again
        self._ciphers: dict[tuple[str, str], Cipher] = {}
        self._take(file)

    def _take(self, file: KeyFile) -> None:
        self.file = file
        self._pseudonyms = _key(file.pseudonyms, "pseudonyms")
        self._roots = {version: _key(text, f"roots.{version}") for version, text in file.roots.items()}
        if str(file.current) not in self._roots:
            raise Rejected(f"the key file names version {file.current} as the current one, and holds no such root")

    def pseudonym_key(self) -> bytes:
        """As the file says."""
        return self._pseudonyms

    def wrap(self, tenant: str, keys: Sequence[Unwrapped]) -> list[str]:
        """``VERSION:BODY`` for each, by the newest root: the file may have got another one meanwhile."""
        if self._read_again is not None:
            with suppress(Rejected):  # what is held still opens everything
                self._take(self._read_again())
        version = str(self.file.current)
        cipher = self._cipher(tenant, version)
        return [f"{version}:{urlsafe_b64encode(cipher.seal(key, bound)).decode()}" for bound, key in keys]

    def unwrap(self, tenant: str, keys: Sequence[Wrapped]) -> list[bytes]:
        """See :class:`schemas.keys.MasterKeys`."""
        found = []
        for bound, text in keys:
            version, _, body = text.partition(":")
            found.append(self._cipher(tenant, version).open(urlsafe_b64decode(body), bound))
        return found

    def are_current(self, texts: Sequence[str]) -> list[bool]:
        """See :class:`schemas.keys.MasterKeys`."""
        return [text.partition(":")[0] == str(self.file.current) for text in texts]

    def _cipher(self, tenant: str, version: str) -> Cipher:
        if (tenant, version) not in self._ciphers:
            if version not in self._roots and self._read_again is not None:
                self._take(self._read_again())
            if version not in self._roots:
                raise Rejected(f"a key was wrapped by version {version} of the tenant's key, which the key file lacks")
            info = f"tidewatch tenant {tenant}".encode()
            derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._roots[version])
            self._ciphers[tenant, version] = Cipher(derived)
        return self._ciphers[tenant, version]


def read_keys(text: str) -> LocalKeys:
    """The keys of a key file's text. Raises ``Rejected``, which never quotes it."""
    try:
        return LocalKeys(msgspec.json.decode(text, type=KeyFile))
    except msgspec.MsgspecError:
        raise Rejected(
            "the master keys are not what `tidewatch keys create` writes; restore them from your backup"
        ) from None


def written(pseudonyms: bytes, roots: dict[int, bytes], current: int) -> str:
    """The text of a key file."""
    held = {str(version): urlsafe_b64encode(root).decode() for version, root in roots.items()}
    file = KeyFile(urlsafe_b64encode(pseudonyms).decode(), current, held)
    return msgspec.json.format(msgspec.json.encode(file)).decode() + "\n"


def with_root(file: KeyFile, version: int, root: bytes) -> str:
    """The text of a key file with one root more, which wraps from then on."""
    roots = {**file.roots, str(version): urlsafe_b64encode(root).decode()}
    more = msgspec.structs.replace(file, roots=roots, current=version)
    return msgspec.json.format(msgspec.json.encode(more)).decode() + "\n"


def _key(text: str, name: str) -> bytes:
    try:
        key = urlsafe_b64decode(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Rejected(f"the key file's {name} is not {KEY_BYTES} bytes in base64url")
    return key
