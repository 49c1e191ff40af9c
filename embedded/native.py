"""Blocks of ClickHouse's Native format as clients of today read them, such as Grafana's.

chDB writes them as revision 0 of the protocol had them. A client that names a newer revision over HTTP
(``client_protocol_version``) expects a header before each block, and from 54454 on a byte before the data of each
column. To put them there one must know where a column ends, hence this walk over the data. The format is that of
``NativeReader.cpp`` and ``SerializationLowCardinality.cpp`` in ClickHouse.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from embedded.refused import Refused

CUSTOM_SERIALIZATION_REVISION = 54454

BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""Field 1, is_overflows: no. Field 2, bucket_num: -1. End of fields."""

_SIZES = dict.fromkeys(("Bool", "Int8", "UInt8", "Enum8", "Nothing"), 1)
_SIZES |= dict.fromkeys(("Int16", "UInt16", "Enum16", "Date", "BFloat16"), 2)
_SIZES |= dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "IPv4", "Time"), 4)
_SIZES |= dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Time64"), 8)
_SIZES |= dict.fromkeys(("Int128", "UInt128", "UUID", "IPv6"), 16)
_SIZES |= dict.fromkeys(("Int256", "UInt256"), 32)

_TYPE = re.compile(r"(?P<name>\w+)(?:\((?P<arguments>.*)\))?", re.S)
_PIECE = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|[(),]|[^(),'`]+")


def with_block_info(data: bytes) -> bytes:
    """Blocks of revision 0 as blocks of revision 54454. Raises :class:`Refused` for types of unknown layout."""
    walk = _Walk(data)
    out = bytearray()
    while walk.at < len(data):
        begin = walk.at
        columns, rows = walk.varint(), walk.varint()
        out += BLOCK_INFO + data[begin : walk.at]
        for _ in range(columns):
            begin = walk.at
            walk.text()
            type_ = walk.text()
            out += data[begin : walk.at] + b"\x00"  # the usual serialization
            begin = walk.at
            walk.prefix(type_)
            walk.column(type_, rows)
            out += data[begin : walk.at]
    return bytes(out)


def empty_block(columns: Iterable[Sequence[str]]) -> bytes:
    """A block without rows, which says what the columns are; (name, type, ...) each. chDB writes nothing at all."""
    columns = list(columns)
    described = b"".join(_text(name) + _text(type_) for name, type_, *_ in columns)
    return _varint(len(columns)) + _varint(0) + described


def _text(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


class _Walk:
    """Goes over columns without decoding their values."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def number(self) -> int:
        self.at += 8
        return int.from_bytes(self.data[self.at - 8 : self.at], "little")

    def text(self) -> str:
        length = self.varint()
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def prefix(self, type_: str) -> None:
        """What stands before the data of a column, once a block."""
        name, arguments = _parse(type_)
        if name == "LowCardinality":
            self.at += 8
        elif name in ("Array", "Map", "Tuple"):
            for argument in arguments:
                self.prefix(argument)

    def column(self, type_: str, rows: int) -> None:
        """The data of a column."""
        name, arguments = _parse(type_)
        if name == "String":
            for _ in range(rows):
                length = self.varint()
                self.at += length
        elif name == "Nullable":
            self.at += rows
            self.column(arguments[0], rows)
        elif name == "LowCardinality":
            self.low_cardinality(arguments[0], rows)
        elif name in ("Array", "Map", "Tuple"):
            if name != "Tuple" and rows:
                self.at += 8 * (rows - 1)
                rows = self.number()
            for argument in arguments:
                self.column(argument, rows)
        else:
            self.at += rows * _size(name, arguments)

    def low_cardinality(self, type_: str, rows: int) -> None:
        """Width of the positions, the distinct values, the positions."""
        if rows:
            width = 1 << (self.number() & 0xFF)
            name, arguments = _parse(type_)
            self.column(arguments[0] if name == "Nullable" else type_, self.number())
            positions = self.number()
            self.at += positions * width


@lru_cache(maxsize=1000)
def _parse(type_: str) -> tuple[str, list[str]]:
    """Name and arguments of a type, without the names of a Tuple's elements."""
    found = _TYPE.fullmatch(type_)
    if found is None:
        return type_, []
    arguments, depth = [""], 0
    for piece in _PIECE.findall(found["arguments"] or ""):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and not depth:
            arguments.append("")
        else:
            arguments[-1] += piece
    arguments = [argument.strip() for argument in arguments if argument]
    if found["name"] == "Tuple":
        arguments = [re.sub(r"^(?:\w+|`[^`]*`) (?=\w)", "", argument) for argument in arguments]
    return found["name"], arguments


def _size(name: str, arguments: list[str]) -> int:
    if name == "FixedString":
        return int(arguments[0])
    if name == "Decimal":
        return next(size for digits, size in ((9, 4), (18, 8), (38, 16), (76, 32)) if int(arguments[0]) <= digits)
    if name.startswith("Interval"):
        return 8
    if name not in _SIZES:
        raise Refused(48, "NOT_IMPLEMENTED", f"{name} is not sent in Native format here: ask for another format.")
    return _SIZES[name]
