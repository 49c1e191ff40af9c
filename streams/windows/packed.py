"""Columns of cells as bytes, for as long as they are not merged into: 10 to 50 bytes a cell.

The minimum is written as it is; sum, maximum and last value as what differs from its bits, which for a single
observation is nothing. The bytes of each column are put in the order of their significance, then all is compressed.
"""

import struct
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.failures import Rejected
from streams.windows.columns import CELL, Columns

_VERSION = 1
_HEAD = struct.Struct("<BII")
"""Version of the form, cells, buckets."""

_CODEC = "zstd"
_COUNTED = ("series", "count", "last_ms")
_LIKE_MIN = ("sum", "max", "last")


def pack(columns: Columns) -> bytes:
    """The packed form."""
    cells = columns.cells
    lowest = np.ascontiguousarray(cells["min"])
    parts = [_differences(cells[name].astype(np.int64)) for name in _COUNTED]
    parts += [_ordered(lowest.view(np.int64))]
    parts += [_ordered(np.ascontiguousarray(cells[name]).view(np.int64) ^ lowest.view(np.int64)) for name in _LIKE_MIN]
    parts += [_differences(columns.keys), _ordered(columns.counts)]
    compressed: bytes = pa.compress(b"".join(parts), codec=_CODEC, asbytes=True)
    return _HEAD.pack(_VERSION, len(cells), len(columns.keys)) + compressed


def unpack(packed: bytes) -> Columns:
    """What was packed. Raises Rejected for a form of a later version."""
    version, size, buckets = _HEAD.unpack_from(packed)
    if version != _VERSION:
        raise Rejected("packed windows were written by a later version of Tidewatch; start that one")
    length = 8 * (size * len(CELL.names or ()) + 2 * buckets)
    text = pa.decompress(packed[_HEAD.size :], length, codec=_CODEC, asbytes=True)
    at = 0

    def column(rows: int) -> NDArray[np.int64]:
        nonlocal at
        planes = np.frombuffer(text, np.uint8, 8 * rows, at).reshape(8, rows)
        at += 8 * rows
        return np.ascontiguousarray(planes.T).reshape(-1).view(np.int64)

    cells: NDArray[Any] = np.zeros(size, CELL)
    for name in _COUNTED:
        cells[name] = np.cumsum(column(size))
    lowest = column(size)
    cells["min"] = lowest.view(np.float64)
    for name in _LIKE_MIN:
        cells[name] = (column(size) ^ lowest).view(np.float64)
    return Columns(cells, np.cumsum(column(buckets)), column(buckets))


def _differences(values: NDArray[np.int64]) -> bytes:
    return _ordered(np.diff(values, prepend=0))


def _ordered(values: NDArray[np.int64]) -> bytes:
    """All first bytes, then all second ones, and so on: what is alike comes together."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, 8).T.tobytes()
