"""Columns of Python values in, one Arrow record batch out: how rows travel to ClickHouse.

Integers for a ``DateTime64(3)`` are epoch milliseconds. A :class:`schemas.tables.Coded` column of texts stays
dictionary-encoded on the way, which is several times cheaper than a text a row.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from schemas.failures import Rejected
from schemas.tables import COLUMNS, Coded, Maps

_SCALARS = {
    "String": pa.binary(),  # takes text too; bytes that are no UTF-8 must pass
    "FixedString(32)": pa.binary(32),  # a digest
    "Bool": pa.bool_(),
    "Float64": pa.float64(),
    "Int8": pa.int8(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "DateTime64(3, 'UTC')": pa.timestamp("ms", tz="UTC"),
}
_WRAPPED = re.compile(r"(?P<wrapper>LowCardinality|Nullable|Array|Map)\((?P<inner>.+)\)$")


def arrow_type(clickhouse_type: str) -> Any:
    """The Arrow type in which values of a ClickHouse type are sent."""
    wrapped = _WRAPPED.match(clickhouse_type)
    if wrapped is None:
        return _SCALARS[clickhouse_type]
    if wrapped["wrapper"] == "Map":
        key, value = wrapped["inner"].split(", ", 1)
        return pa.map_(arrow_type(key), arrow_type(value))
    inner = arrow_type(wrapped["inner"])
    return pa.list_(inner) if wrapped["wrapper"] == "Array" else inner


def record_batch(table: str, columns: Mapping[str, Sequence[Any] | Coded]) -> Any:
    """The columns of one insert, in the order of the table's DDL.

    Raises ``Rejected`` when the columns are not those of the table, differ in length, or hold a value of another type:
    the text names table and column, never a value.
    """
    declared = COLUMNS.get(table)
    if declared is None:
        raise Rejected(f"{table} is no table of schemas/tables")
    if columns.keys() != declared.keys():
        odd = ", ".join(sorted(columns.keys() ^ declared.keys()))
        raise Rejected(f"{table}: missing or unknown columns: {odd}")
    arrays = [_array(f"{table}.{name}", columns[name], type_) for name, type_ in declared.items()]
    if len({len(array) for array in arrays}) > 1:
        raise Rejected(f"{table}: columns of different length")
    return pa.record_batch(arrays, names=list(declared))


def file_bytes(batch: Any, compression: str | None) -> bytes:
    """A record batch as a file in Arrow's IPC format. One batch is one block for ClickHouse, and so one part."""
    target = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(target, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    data: bytes = target.getvalue().to_pybytes()
    return data


def _array(name: str, column: Sequence[Any] | Coded, clickhouse_type: str) -> Any:
    type_ = arrow_type(clickhouse_type)
    try:
        array = _encoded(column, type_)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, IndexError) as error:
        raise Rejected(f"{name}: a value is no {clickhouse_type} ({type(error).__name__})") from None
    if array.null_count and not clickhouse_type.startswith("Nullable"):
        raise Rejected(f"{name}: None in a column that is not Nullable")
    return array


def _encoded(column: Sequence[Any] | Coded, type_: Any) -> Any:
    if isinstance(column, Coded):
        return _coded(column, type_)
    return _maps(column, type_) if isinstance(column, Maps) else _plain(column, type_)


def _maps(column: Maps, type_: Any) -> Any:
    offsets = pa.array([0, *column.ends.tolist()], pa.int32())
    keys, values = pa.array(column.keys, type_.key_type), pa.array(column.values, type_.item_type)
    return pa.MapArray.from_arrays(offsets, keys, values, type_)


def _plain(values: Sequence[Any], type_: Any) -> Any:
    if pa.types.is_timestamp(type_):
        return pa.array(values, pa.int64()).view(type_)
    return pa.array(values, type_)


def _coded(column: Coded, type_: Any) -> Any:
    codes = pa.array(column.codes, pa.int32())
    values = _plain(column.values, type_)
    if not pa.types.is_binary(type_) or values.null_count:
        return values.take(codes)  # ClickHouse has dictionaries for texts only
    distinct = values.dictionary_encode()  # ... and refuses one in which a text is there twice
    return pa.DictionaryArray.from_arrays(distinct.indices.take(codes), distinct.dictionary)
