"""A rolling upgrade: what earlier versions have written is read, and goes on as if nothing had happened.

The files in ``golden/`` are bytes that a version wrote, of the records in ``story.py``. They are never made anew: a new
version of a form gets a new file, with ``python -m tests.windows.test_versions``.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.failures import Rejected
from streams.batch import Partition
from streams.stages.protocol import declared
from streams.stages.snapshots import Chunk, Located
from streams.windows import deltas
from streams.windows.deltas import PaneDelta, Pulse, encode
from streams.windows.shard import Shard
from streams.windows.versions import decode
from tests.windows.story import BEFORE, SOURCES, records
from tests.windows.test_shard import Seen, run, shard, transitions

GOLDEN = Path(__file__).parent / "golden"
SNAPSHOTS = sorted(GOLDEN.glob("snapshot-*.bin"))


def before() -> tuple[Shard, Seen]:
    """What the golden snapshots were taken of."""
    state, seen = shard(), Seen()
    run(records()[:BEFORE], state, seen)
    return state, seen


@pytest.mark.parametrize("path", SNAPSHOTS, ids=lambda path: path.stem)
def test_windows_and_alerts_go_on_from_a_snapshot_of_any_version(path: Path) -> None:
    undisturbed = before()
    run(records()[BEFORE:], *undisturbed, BEFORE)

    successor, (_, seen) = shard(), before()
    successor.restore(decode(path.read_bytes()))
    run(records()[BEFORE:], successor, seen, BEFORE)

    assert seen.rows == undisturbed[1].rows
    assert seen.sla == undisturbed[1].sla
    assert kept(seen, path) == kept(undisturbed[1], path)


def kept(seen: Seen, path: Path) -> set[Any]:
    """The transitions, but for those that depend on what versions 1 and 2 did not remember of health."""
    health = set() if path.stem > "snapshot-2" else {"ServiceDown", "ServiceSilent", "ServiceFlapping"}
    return {each for each in transitions(seen) if dict(each[0])["alertname"] not in health}


def test_the_newest_form_has_a_golden_snapshot() -> None:
    """Whoever changes the form gives it a new number, and keeps reading the one before."""
    state, _ = before()
    kept = msgspec.msgpack.decode(SNAPSHOTS[-1].read_bytes())

    assert shape(msgspec.msgpack.decode(state.snapshot())) == shape(kept)


def shape(value: Any) -> Any:
    """How a packed value is built: types, and lengths of arrays that hold different things."""
    if not isinstance(value, list):
        return type(value).__name__
    shapes = [shape(each) for each in value]
    return shapes[:1] if len({str(each) for each in shapes}) == 1 else shapes


def test_a_snapshot_of_a_later_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(Rejected, match=r"start that version, or have everything merged again"):
        decode(msgspec.msgpack.encode([99, "whatever comes then"]))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("delta-*.bin")), ids=lambda path: path.stem)
def test_a_delta_of_any_version_is_read(path: Path) -> None:
    read, told = deltas.decode(path.read_bytes()), records()[7]

    assert isinstance(read, PaneDelta)
    assert isinstance(told, PaneDelta)
    assert (read[:-1], list(read.each())) == (told[:-1], list(told.each()))


def test_a_pulse_of_the_version_before_is_read() -> None:
    assert deltas.decode((GOLDEN / "pulse-2.bin").read_bytes()) == Pulse(
        wall_ms=records()[-1].wall_ms,  # type: ignore[union-attr]
        expected=SOURCES,
        idle=SOURCES,
        seen=[(Partition("metrics", 0), 5, 6)],
    )


def test_committed_metadata_of_the_versions_before_is_read() -> None:
    batch = declared(7, "1,41,1795342530125")
    assert batch is not None
    assert (batch.first, batch.last, batch.wall_ms) == (7, 41, 1795342530125)
    assert Located.parse("s1,12,0123abcd,3") == Located(12, "0123abcd", 3)
    assert Chunk.decode(b"\x94\x01\xa80123abcd\x02\xc4\x03\x00\x01\x02") == Chunk("0123abcd", 2, b"\x00\x01\x02")


if __name__ == "__main__":
    made = before()[0].snapshot()
    (GOLDEN / f"snapshot-{made[1]}.bin").write_bytes(made)
    (GOLDEN / f"delta-{encode(records()[7])[1]}.bin").write_bytes(encode(records()[7]))
