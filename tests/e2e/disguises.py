"""An identifier in other clothes: whoever finds one of these bytes knows, or can find out by trying, who was meant."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from hashlib import md5, sha1, sha256
from urllib.parse import quote, quote_plus


class Disguises:
    """Every way in which some names could be written, in any case."""

    def __init__(self, names: tuple[str, ...]) -> None:
        written = {form for name in names for form in (name, name.lower(), name.upper())}
        self._texts = {text.lower() for form in written for text in _texts(form)}
        self._digests = {digest for form in written for digest in _digests(form.encode())}

    def found_in(self, data: bytes) -> list[bytes]:
        """Those that some bytes hold."""
        lower = data.lower()
        return [text for text in self._texts if text in lower] + [digest for digest in self._digests if digest in data]


def _texts(name: str) -> Iterator[bytes]:
    data = name.encode()
    yield from (data, name.encode("utf-16-le"), quote(name, safe="").encode(), quote_plus(name).encode())
    yield data.hex().encode()
    yield from (digest.hex().encode() for digest in _digests(data))
    for before in range(3):  # what stands before it moves what base64 makes of it
        first, last = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + data)[first:last]


def _digests(data: bytes) -> Iterator[bytes]:
    """Without a key; those of a person's address can be tried."""
    yield from (hashed(data, usedforsecurity=False).digest() for hashed in (md5, sha1, sha256))
