"""Records of a record batch as columns are the records that aiokafka reads one by one."""

from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.stages import unpacking
from streams.stages.unpacking import FEW_RECORDS, Fetched, Slice, Unpacked, unpacked

CODECS = [
    DefaultRecordBatch.CODEC_NONE,
    DefaultRecordBatch.CODEC_GZIP,
    DefaultRecordBatch.CODEC_SNAPPY,
    DefaultRecordBatch.CODEC_LZ4,
    DefaultRecordBatch.CODEC_ZSTD,
]

Record = tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Offset, timestamp, key, value, headers."""


def batch(records: list[Record], codec: int = DefaultRecordBatch.CODEC_NONE) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for offset, timestamp, key, value, headers in records:
        builder.append(offset, timestamp, key, value, headers)
    return bytes(builder.build())


def slices_of(data: bytes) -> list[Slice]:
    source, found = Fetched(data), []
    while source.has_next():
        found.append(source.next_slice())
    return found


def taken(data: bytes, few: int = 0) -> Unpacked:
    return unpacked(slices_of(data), few)


def rows(part: Unpacked) -> list[tuple[Any, ...]]:
    headers = [list(each) for each in part.each_headers()]
    return list(zip(part.offsets.tolist(), part.timestamps.tolist(), part.values, headers, strict=True))


def expected(records: list[Record]) -> list[tuple[Any, ...]]:
    return [(offset, timestamp, value, headers) for offset, timestamp, _, value, headers in records]


texts = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.sampled_from([b"", b"\0", b"\0\0\0", b"\0\x10\0", b"x" * 100 + b"\0\x02\0", b"{}" * 5_000]),
)
headers = st.lists(st.tuples(st.sampled_from(["a", "ce_id"]), st.binary(max_size=3)), max_size=2)


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    with_headers = draw(st.booleans())
    steps = draw(st.lists(st.integers(1, 3), min_size=1, max_size=12))
    found, offset = [], -1
    for step in steps:
        offset += step
        timestamp = 1_700_000_000_000 + draw(st.sampled_from([0, 0, 1, -5, 300, 100_000, 10**9]))
        found.append((offset, timestamp, draw(texts), draw(texts), draw(headers) if with_headers else []))
    return found


@given(records(), st.sampled_from(CODECS), st.sampled_from([0, FEW_RECORDS]))
def test_columns_hold_what_was_written(written: list[Record], codec: int, few: int) -> None:
    """However few they are: then they are read one by one."""
    assert rows(taken(batch(written, codec), few)) == expected(written)


@given(st.lists(st.tuples(records(), st.sampled_from(CODECS)), max_size=4), st.sampled_from([0, FEW_RECORDS]))
def test_record_batches_of_several_publishers_are_read_as_one(
    written: list[tuple[list[Record], int]], few: int
) -> None:
    """Whatever their codecs, and with headers or without."""
    assert rows(taken(b"".join(batch(*each) for each in written), few)) == [
        row for each, _ in written for row in expected(each)
    ]


def test_record_batches_that_have_as_many_records_only_together_are_read_for_themselves() -> None:
    """Their times and offsets count from what each of them says, so none may be taken for one of its neighbour."""
    ones: list[Record] = [(n, 1_700_000_000_000, None, b'{"n":%d}' % n, []) for n in range(3)]
    others: list[Record] = [(n, 1_800_000_000_000, None, b'{"n":%d}' % n, []) for n in range(3, 6)]
    slices = [*slices_of(batch(ones)), *slices_of(batch(others))]
    said = [bytearray(raw) for raw, _ in slices]
    said[0][60], said[1][60] = 2, 4  # the last byte of their count
    wrong = [(memoryview(bytes(raw)), view) for raw, (_, view) in zip(said, slices, strict=True)]

    assert rows(unpacked(wrong, few=0)) == expected([*ones, *others])


def test_usual_records_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(unpacking, "_one_by_one")
    written: list[Record] = [(n, 1_700_000_000_000 + n // 7, b"key", b'{"n":%d}' % n, []) for n in range(5_000)]
    written[40] = (40, 1_700_000_000_005, b"key", None, [])

    for codec in CODECS:
        assert rows(taken(batch(written, codec))) == expected(written)


def test_a_fetch_that_begins_within_a_record_batch_gives_the_rest_of_it() -> None:
    written: list[Record] = [(n, 1_700_000_000_000, None, b"%d" % n, [("a", b"b")]) for n in range(5)]
    part = taken(batch(written))

    assert rows(part.since(3)) == expected(written[3:])
    assert not len(part.since(5).offsets)


def test_records_of_the_old_formats_are_read() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    for offset in range(3):
        builder.append(offset, 1_700_000_000_000, None, b"%d" % offset)

    assert rows(taken(bytes(builder.build()))) == [
        (offset, 1_700_000_000_000, b"%d" % offset, []) for offset in range(3)
    ]
