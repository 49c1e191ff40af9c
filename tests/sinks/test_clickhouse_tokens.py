"""What the protocol relies on at ClickHouse's side: tokens outlive crashes, and nobody's settings undo them."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.config import ClickHouse as Settings
from sinks.clickhouse import PINNED, ClickHouse
from sinks.migrations import migrate
from tests.sinks import rows

ROWS = 20_000
LAST_OF_MARCH, FIRST_OF_APRIL = 1_774_999_999_000, 1_775_001_600_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "clickhouse"


@pytest.fixture
def sink(directory: Path) -> Iterator[ClickHouse]:
    sink = opened(directory)
    migrate(sink)
    yield sink
    sink.close()


def opened(directory: Path) -> ClickHouse:
    return ClickHouse(Settings(url=f"chdb:{directory}"))


def count(sink: ClickHouse, table: str = "raw_metrics") -> int:
    return int(sink.query(f"SELECT count() AS n FROM {table}")[0]["n"])


def insert_and_die(directory: Path, prepare: Callable[[int], object] = lambda _: None) -> int:
    """Another process inserts under the token ``batch`` and gets SIGKILL, at the latest after that; its exit status.

    ``prepare`` gets its id when it has opened the directory and not begun to insert.
    """
    command = [sys.executable, "-c", _INSERT_AND_DIE, str(directory), str(ROWS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], **pipes) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        prepare(process.pid)
        process.stdin.close()
        return process.wait(60)


_INSERT_AND_DIE = """
import os, signal, sys
from schemas.config import ClickHouse as Settings
from sinks.clickhouse import ClickHouse
from tests.sinks import rows

sink = ClickHouse(Settings(url=f"chdb:{sys.argv[1]}"))
batch = rows.columns("raw_metrics", int(sys.argv[2]))
print("ready", flush=True)
sys.stdin.read()
sink.insert("raw_metrics", batch, "batch")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_token_is_remembered_by_whoever_opens_the_directory_after_a_kill(sink: ClickHouse, directory: Path) -> None:
    sink.close()
    assert insert_and_die(directory) == -signal.SIGKILL
    again = opened(directory)
    try:
        assert count(again) == ROWS
        again.insert("raw_metrics", rows.columns("raw_metrics", ROWS), "batch")
        assert count(again) == ROWS
        again.insert("raw_metrics", rows.columns("raw_metrics", ROWS), "another")
        assert count(again) == 2 * ROWS
    finally:
        again.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="kills at a system call: apt-get install strace")
def test_a_kill_at_the_wrong_moment_leaves_a_token_without_its_rows(sink: ClickHouse, directory: Path) -> None:
    """The reason to read back: the engine takes a repetition for known, and stores nothing."""
    sink.close()
    calls = "rename,renameat,renameat2"
    inject = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=SIGKILL:when=1"]
    tools: list[subprocess.Popen[bytes]] = []

    def attach(pid: int) -> None:
        tools.append(subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", *inject, "-p", str(pid)]))
        while "TracerPid:\t0" in Path(f"/proc/{pid}/status").read_text():
            assert tools[0].poll() is None, "strace may not trace here"
            time.sleep(0.01)

    assert insert_and_die(directory, attach) == -signal.SIGKILL
    tools[0].wait(10)
    again = opened(directory)
    try:
        assert count(again) == 0
        again.insert("raw_metrics", rows.columns("raw_metrics", ROWS), "batch")
        assert count(again) == 0, "it was not killed between token and part, or ClickHouse has learned"
        again.insert("raw_metrics", rows.columns("raw_metrics", ROWS), "batch-repair-1")
        assert count(again) == ROWS
    finally:
        again.close()


def test_a_repeated_insert_reaches_materialized_views_once(sink: ClickHouse) -> None:
    """As long as their tables remember tokens too."""
    sink.command(
        "CREATE TABLE per_service (service LowCardinality(String), events UInt64) ENGINE = SummingMergeTree"
        " ORDER BY service SETTINGS non_replicated_deduplication_window = 20000"
    )
    sink.command(
        "CREATE MATERIALIZED VIEW to_per_service TO per_service AS"
        " SELECT service, toUInt64(count()) AS events FROM raw_metrics GROUP BY service"
    )
    for token in ("batch", "batch", "another", "batch"):
        sink.insert("raw_metrics", rows.columns("raw_metrics", ROWS), token)

    assert count(sink) == 2 * ROWS
    assert sink.query("SELECT sum(events) AS n FROM per_service")[0]["n"] == 2 * ROWS


def test_a_repeated_insert_that_spans_partitions_is_stored_once_in_each(sink: ClickHouse) -> None:
    """Ours span none: the time of the declaration decides. If they did, the token would hold for each part."""
    batch = rows.columns("raw_metrics", ROWS)
    times = [LAST_OF_MARCH if at % 2 else FIRST_OF_APRIL for at in range(ROWS)]
    for _ in range(2):
        sink.insert("raw_metrics", {**batch, "ingested_at": times}, "batch")

    parts = sink.query(
        "SELECT partition, sum(rows) AS rows FROM system.parts WHERE table = 'raw_metrics' AND active GROUP BY 1"
    )
    assert {part["partition"]: part["rows"] for part in parts} == {"202603": ROWS // 2, "202604": ROWS // 2}


HOSTILE: dict[str, Any] = {
    "insert_deduplicate": 0,
    "deduplicate_insert": "disable",
    "async_insert": 1,
    "distributed_foreground_insert": 0,
    "max_insert_threads": 8,
    "min_insert_block_size_rows": 1000,
    "min_insert_block_size_bytes": 10_000,
    "max_insert_block_size": 1000,
    "max_partitions_per_insert_block": 1,
    "input_format_null_as_default": 1,
    "input_format_arrow_allow_missing_columns": 1,
}
"""What somebody might set for all users of a server."""


def test_every_setting_that_is_pinned_is_one_that_clickhouse_knows_and_that_is_tested_here(sink: ClickHouse) -> None:
    """Unknown ones would be left out silently."""
    assert sink._pinned == PINNED
    assert PINNED.keys() == HOSTILE.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_setting_of_the_server_does_not_undo_a_token(name: str, sink: ClickHouse) -> None:
    """Nor does it cut the rows into blocks that a token would not know again."""
    batch = rows.columns("raw_metrics", 50_000)
    sink.insert("raw_metrics", batch, "batch")
    sink.command(f"SET {name} = '{HOSTILE[name]}'")
    sink.insert("raw_metrics", batch, "batch")
    sink.insert("raw_metrics", {**batch, "_partition": [4] * 50_000}, "another")

    assert count(sink) == 100_000
    parts = sink.query("SELECT max(rows) AS rows FROM system.parts WHERE table = 'raw_metrics' AND level = 0")
    assert parts[0]["rows"] == 50_000


def test_without_the_pin_a_setting_of_the_server_does_undo_it(sink: ClickHouse) -> None:
    del sink._pinned["deduplicate_insert"]
    sink.command("SET deduplicate_insert = 'disable'")
    for _ in range(2):
        sink.insert("raw_metrics", rows.columns("raw_metrics", 10), "batch")

    assert count(sink) == 20


def test_windows_of_many_years_fit_into_one_insert_whatever_the_server_permits(sink: ClickHouse) -> None:
    sink.command("SET max_partitions_per_insert_block = 1")
    year = 31_557_600_000
    batch = {**rows.columns("windows", 30), "window_start": [LAST_OF_MARCH - at * year for at in range(30)]}
    sink.insert("windows", batch, "batch")

    assert count(sink, "windows") == 30
