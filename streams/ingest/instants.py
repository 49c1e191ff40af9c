"""Event times as texts become epoch milliseconds, a whole column at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

_COMMON = b"0000-00-00T00:00:00.000Z"
_DIGITS = [at for at, char in enumerate(_COMMON) if char == ord("0")]
_REST = [at for at, char in enumerate(_COMMON) if char != ord("0")]

_LIST = msgspec.json.Decoder(list[Annotated[datetime, msgspec.Meta(tz=True)]])


def epoch_ms(texts: Sequence[bytes]) -> NDArray[np.int64]:
    """Epoch milliseconds of RFC 3339 texts, without quotation marks.

    Raises :class:`msgspec.MsgspecError` when any of them is none, as the event's type would.
    """
    if set(map(len, texts)) == {len(_COMMON)}:
        found = _common(b"".join(texts))
        if found is not None:
            return found
    times = _LIST.decode(strings(texts))
    return np.array([round(time.timestamp() * 1000) for time in times], dtype=np.int64)


def strings(texts: Sequence[bytes]) -> bytes:
    """Texts from between quotation marks as a JSON list; raises :class:`msgspec.DecodeError` when one has an escape."""
    joined = b'["' + b'","'.join(texts) + b'"]'
    if b"\\" in joined:
        raise msgspec.DecodeError("a text with an escape, which may reach beyond its quotation mark")
    return joined


def _common(joined: bytes) -> NDArray[np.int64] | None:
    """The times of texts in the form that most publishers write; None when any is not, or is no time."""
    texts = np.frombuffer(joined, dtype=np.uint8).reshape(-1, len(_COMMON))
    digits = texts[:, _DIGITS] - np.uint8(ord("0"))
    if (digits > 9).any() or (texts[:, _REST] != np.frombuffer(_COMMON, dtype=np.uint8)[_REST]).any():
        return None
    without_zone = np.ascontiguousarray(texts[:, :-1]).view(f"S{len(_COMMON) - 1}").ravel()
    try:
        found: NDArray[np.int64] = without_zone.astype("datetime64[ms]").astype(np.int64)
    except ValueError:
        return None
    return found
