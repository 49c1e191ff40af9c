"""The digest of a report, and the seal at the end of a file that has it: whether a copy is as it was written.

The digest is SHA-256 over the content as JSON with sorted keys and without spaces, so it is the same in every format.
The seal is the last line of a file: the digest, and SHA-256 over all bytes before that line. Neither is a signature:
who can write a file can write another seal. A digest that was kept elsewhere, such as the one the worker announces,
tells the difference.
"""

import hashlib
import re
from typing import Any

import msgspec
import orjson

from schemas.failures import Rejected
from streams.reports.document import Report

PREFIX = "sha256:"

_SEAL = re.compile(
    rb"\n(?:<!-- |% |)tidewatch report (sha256:[0-9a-f]{64}) file (sha256:[0-9a-f]{64})(?: -->|,*)\r?\n?\Z"
)


class Sealed(msgspec.Struct, frozen=True):
    """What a seal says, and whether it is right."""

    digest: str
    """Of the report's content."""
    file: str
    """Of the bytes before the seal, as the seal has it."""
    is_unaltered: bool


def canonical(content: Any) -> bytes:
    """JSON of a content, the only one that is equal for equal contents."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def digest(report: Report) -> str:
    """``sha256:`` and 64 digits."""
    return digest_of(msgspec.to_builtins(report))


def digest_of(content: Any) -> str:
    """The same of a content that was read back from JSON."""
    return _sha256(canonical(content))


def sealed(written: bytes, of: str, before: str = "", after: str = "") -> bytes:
    """A file with its seal as the last line, in the comments of its format."""
    written = written if written.endswith(b"\n") else written + b"\n"
    return written + f"{before}tidewatch report {of} file {_sha256(written)}{after}\n".encode()


def check(file: bytes) -> Sealed:
    """Look at the seal of a file. Raises Rejected when it has none."""
    seal = _SEAL.search(file)
    if seal is None:
        raise Rejected("it has no seal at its end: it is no report of Tidewatch, or a part of one")
    stated = seal[2].decode()
    return Sealed(seal[1].decode(), stated, _sha256(file[: seal.start() + 1]) == stated)


def _sha256(data: bytes) -> str:
    return PREFIX + hashlib.sha256(data).hexdigest()
