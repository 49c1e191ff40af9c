"""What compares stream processors: it believes nobody, and goes on when one cannot take part."""

import json
import sys
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from benchmarks import events, machine, report, run
from benchmarks.peers import Contestant, NotInstalled, contestants, environment
from benchmarks.peers.event import decode
from benchmarks.peers.windows import SENTINEL, WINDOW_MS, Windows, bucket, label
from benchmarks.truth import Truth, key, truth
from streams.windows.sketch import indexes

HAND_IN = """
import json, sys
*_, counted, file = sys.argv
open(file, "w").write(json.dumps({windows}))
print(json.dumps({{"wall_seconds": 2.0, "cpu_seconds": 1.0, "rss_bytes": 1, "versions": {{}}}}))
"""


@pytest.fixture(scope="module")
def published() -> tuple[list[events.Chunk], Truth]:
    chunks = list(events.chunks(20_000))
    return chunks, truth(chunks)


@pytest.fixture
def topic(published: tuple[list[events.Chunk], Truth]) -> run.Topic:
    return run.Topic("events", published[1])


def command(windows: object) -> list[str]:
    """A contestant that hands in ``windows``."""
    return [sys.executable, "-c", HAND_IN.format(windows=windows)]


def test_the_windows_that_peers_share_are_right(published: tuple[list[events.Chunk], Truth]) -> None:
    """Folded one partition after the other, in batches."""
    chunks, wanted = published
    partitions: dict[int, Windows] = defaultdict(Windows)
    closed: dict[str, list[float]] = {}
    counted = 0
    for chunk in chunks:
        for partition, record in zip(chunk.partitions.tolist(), chunk.records, strict=True):
            partitions[partition].fold([decode(record)])
            counted += partitions[partition].close(closed)

    assert counted == wanted.counted
    assert wanted.differences(msgspec.convert(closed, run.Windows)) == []


def test_what_peers_know_without_numpy_is_what_the_events_are_made_of() -> None:
    assert (SENTINEL, WINDOW_MS) == (events.SENTINEL, events.WINDOW_MS)
    assert label("a", "b.c", 1) == key("a", "b_c", 1)
    assert [bucket(value) for value in (0.001, 1.0, 33.3)] == indexes([0.001, 1.0, 33.3]).tolist()


def test_every_contestant_has_a_name_of_its_own() -> None:
    names = [contestant.name for contestant in contestants()]

    assert len(set(names)) == len(names) >= 7


def test_right_windows_count(topic: run.Topic, tmp_path: Path) -> None:
    right = json.loads(msgspec.json.encode(topic.truth.windows))

    result = run.measured(command(right), topic, tmp_path / "windows.json")

    assert result.cpu_us == pytest.approx(1e6 / topic.truth.events)


def test_wrong_windows_do_not_count(topic: run.Topic, tmp_path: Path) -> None:
    """One count is off by one."""
    wrong = json.loads(msgspec.json.encode(topic.truth.windows))
    next(iter(wrong.values()))[0] += 1

    with pytest.raises(run.Failed, match="1 of 1,000 windows are wrong"):
        run.measured(command(wrong), topic, tmp_path / "windows.json")


def test_a_contestant_that_breaks_is_quoted(topic: run.Topic, tmp_path: Path) -> None:
    with pytest.raises(run.Failed, match="no such broker"):
        run.measured([sys.executable, "-c", "exit('no such broker')"], topic, tmp_path / "windows.json")


def test_a_peer_that_cannot_be_installed_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By pip itself, which is told to look nowhere."""
    monkeypatch.setattr(environment, "_CACHE", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(NotInstalled, match="pip could not install bytewax: No matching distribution"):
        environment.python("bytewax")


def test_the_table_compares_with_the_first_in_the_same_round() -> None:
    """The others are in order, and whoever is absent is named with the reason."""

    def results(*seconds: float) -> list[report.Result]:
        return [report.Result(1.0, cpu, 1 << 20, {"peer": "1.0"}, events=1_000_000) for cpu in seconds]

    rounds = {"ours": results(1.0, 2.0), "slow": results(9.0, 18.0), "fast": results(2.0, 6.0)}
    table = report.table(report.Comparison("2026-11-22", machine.this(), "zstd", rounds, {"gone": "it has no wheel."}))

    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.startswith("| ")]
    assert [row[1] for row in rows[1:]] == ["ours", "fast", "slow"]
    assert [row[6] for row in rows[1:]] == ["1.0 [1.0 – 1.0]", "2.5 [2.0 – 3.0]", "9.0 [9.0 – 9.0]"]
    assert "gone could not take part: it has no wheel." in table


def test_contestants_are_prepared_or_excused() -> None:
    def refuse() -> list[str]:
        raise NotInstalled("it has no wheel")

    prepared = run.prepared([Contestant("here", lambda: ["run"]), Contestant("gone", refuse)])

    assert prepared == ({"here": ["run"]}, {"gone": "it has no wheel"})
