"""Event times as texts become epoch milliseconds, a whole column at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_COMMON = np.frombuffer(b"0000-00-00T00:00:00.000Z", np.uint8)
_MOST = np.where(np.char.isdigit(_COMMON.view("S1")), 9, 0)
"""How far above :data:`_COMMON` a byte may be."""

_DAY, _HOUR, _MINUTE, _SECOND, _MS = (0, 1, 2, 3, 5, 6, 8, 9), (11, 12), (14, 15), (17, 18), (20, 21, 22)
"""Where the digits stand; a day is one number of eight of them."""

_LIST = msgspec.json.Decoder(list[Annotated[datetime, msgspec.Meta(tz=True)]])


def epoch_ms(texts: Any) -> NDArray[np.int64]:
    """Epoch milliseconds of RFC 3339 texts, an Arrow array of binary, without quotation marks.

    Raises :class:`msgspec.MsgspecError` when any of them is none, as the event's type would.
    """
    _, offsets, data = texts.buffers()
    if (np.diff(np.frombuffer(offsets, np.int32, len(texts) + 1)) == len(_COMMON)).all():
        found = _common(np.frombuffer(data, np.uint8).reshape(-1, len(_COMMON)))
        if found is not None:
            return found
    times = _LIST.decode(strings(texts.to_pylist()))
    return np.array([round(time.timestamp() * 1000) for time in times], dtype=np.int64)


def strings(texts: Sequence[bytes]) -> bytes:
    """Texts from between quotation marks as a JSON list; raises :class:`msgspec.DecodeError` when one has an escape."""
    joined = b'["' + b'","'.join(texts) + b'"]'
    if b"\\" in joined:
        raise msgspec.DecodeError("a text with an escape, which may reach beyond its quotation mark")
    return joined


def _common(texts: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """The times of texts in the form that most publishers write; None when any is not, or is no time."""
    above = texts - _COMMON
    if (above > _MOST).any():
        return None
    digits = above.T.astype(np.int32)  # a matrix product would be shorter, and wake the threads of BLAS
    day, hour, minute, second, ms = (_number(digits, at) for at in (_DAY, _HOUR, _MINUTE, _SECOND, _MS))
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    distinct, codes = np.unique(day, return_inverse=True)
    dates = [f"{date // 10_000:04}-{date // 100 % 100:02}-{date % 100:02}" for date in distinct.tolist()]
    try:
        midnights = np.array(dates, "datetime64[ms]").astype(np.int64)
    except ValueError:
        return None
    found: NDArray[np.int64] = midnights[codes] + (((hour * 60 + minute) * 60 + second) * 1000 + ms)
    return found


def _number(digits: NDArray[np.int32], at: tuple[int, ...]) -> NDArray[np.int32]:
    """The number whose digits are these rows, of every column."""
    number: NDArray[np.int32] = digits[at[0]]
    for row in at[1:]:
        number = number * 10 + digits[row]
    return number
