"""What is read from the topic of panes, and what is passed over."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Rejected
from streams.windows.deltas import Pulse, decode, encode


def test_a_record_of_ours_is_read() -> None:
    pulse = Pulse(wall_ms=1)

    assert decode(encode(pulse)) == pulse


def test_a_record_of_a_later_version_stops_the_reader() -> None:
    with pytest.raises(Rejected, match="later version"):
        decode(msgspec.msgpack.encode([99, "whatever comes then"]))


@given(st.binary(max_size=60))
def test_anything_else_is_passed_over(value: bytes) -> None:
    """Whatever bytes somebody writes to the topic, reading them ends in a record, nothing, or a clear refusal."""
    try:
        record = decode(value)
    except Rejected:
        assert isinstance(msgspec.msgpack.decode(value)[0], int)
    else:
        assert record is None or encode(record)
