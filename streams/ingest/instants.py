"""Event times as texts become epoch milliseconds, a whole column at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_FORMS, _MOST = {}, {}
"""By length: how most publishers write times, with zeros for digits; and how far above that each byte may be."""
for _fraction in (b"", b".000", b".000000"):
    for _zone in (b"Z", b"+00:00"):
        _digits = np.frombuffer(b"0000-00-00T00:00:00" + _fraction, np.uint8)
        _form = np.append(_digits, np.frombuffer(_zone, np.uint8))
        _FORMS[len(_form)] = _form
        _MOST[len(_form)] = np.append(np.where(_digits == ord("0"), 9, 0), np.zeros(len(_zone), np.int64))

_DAY, _HOUR, _MINUTE, _SECOND = (0, 1, 2, 3, 5, 6, 8, 9), (11, 12), (14, 15), (17, 18)
"""Where the digits stand; a day is one number of eight of them."""
_FRACTION = 20
"""Where those of the fraction begin."""

_LIST = msgspec.json.Decoder(list[Annotated[datetime, msgspec.Meta(tz=True)]])


def epoch_ms(texts: Any) -> NDArray[np.int64]:
    """Epoch milliseconds of RFC 3339 texts, an Arrow array of binary, without quotation marks.

    Raises :class:`msgspec.MsgspecError` when any of them is none, as the event's type would.
    """
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1)
    lengths = np.diff(ends)
    if not len(texts) or (lengths == lengths[0]).all():
        return _alike(texts, np.frombuffer(data or b"", np.uint8))
    found = np.empty(len(texts), np.int64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        some = texts.take(pa.array(rows))
        found[rows] = _alike(some, np.frombuffer(some.buffers()[2] or b"", np.uint8))
    return found


def _alike(texts: Any, read: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Of texts of one length; ``read`` are their bytes."""
    length = len(read) // max(len(texts), 1)
    found = _common(read.reshape(-1, length)) if length in _FORMS else None
    return _any(texts) if found is None else found


def _any(texts: Any) -> NDArray[np.int64]:
    times = _LIST.decode(strings(texts.to_pylist()))
    return np.array([round(time.timestamp() * 1000) for time in times], dtype=np.int64)


def strings(texts: Sequence[bytes]) -> bytes:
    """Texts from between quotation marks as a JSON list; raises :class:`msgspec.DecodeError` when one has an escape."""
    joined = b'["' + b'","'.join(texts) + b'"]'
    if b"\\" in joined:
        raise msgspec.DecodeError("a text with an escape, which may reach beyond its quotation mark")
    return joined


def _common(texts: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """The times of texts of one length, in the form that most publishers write; None when any is not, or is no time."""
    above = texts - _FORMS[texts.shape[1]]
    if (above > _MOST[texts.shape[1]]).any():
        return None
    digits = above.T.astype(np.int32)  # a matrix product would be shorter, and wake the threads of BLAS
    day, hour, minute, second = (_number(digits, at) for at in (_DAY, _HOUR, _MINUTE, _SECOND))
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    distinct, codes = np.unique(day, return_inverse=True)
    dates = [f"{date // 10_000:04}-{date // 100 % 100:02}-{date % 100:02}" for date in distinct.tolist()]
    try:
        midnights = np.array(dates, "datetime64[ms]").astype(np.int64)
    except ValueError:
        return None
    found: NDArray[np.int64] = midnights[codes] + ((hour * 60 + minute) * 60 + second) * 1000
    return _with_fraction(found, digits)


def _with_fraction(whole: NDArray[np.int64], digits: NDArray[np.int32]) -> NDArray[np.int64]:
    """Milliseconds with those of the fraction, of which there are as many digits as follow; rounded as Python does."""
    length = len(digits)
    figures = 6 if length in (_FRACTION + 7, _FRACTION + 12) else 3 if length in (_FRACTION + 4, _FRACTION + 9) else 0
    fraction = _number(digits, tuple(range(_FRACTION, _FRACTION + figures))) if figures else 0
    if figures < 6:
        return whole + fraction
    exact = (whole * 1000 + fraction) / 1e6 * 1000
    return np.rint(exact).astype(np.int64)


def _number(digits: NDArray[np.int32], at: tuple[int, ...]) -> NDArray[np.int32]:
    """The number whose digits are these rows, of every column."""
    number: NDArray[np.int32] = digits[at[0]]
    for row in at[1:]:
        number = number * 10 + digits[row]
    return number
