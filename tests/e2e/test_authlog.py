"""A real auth.log replayed: failed passwords counted by the minute, and an alert for each burst from one address.

What is expected is found here by brute force over the text of the file, with nothing of Tidewatch's.
"""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.data import SHIPPED, whole
from tests.e2e.pipeline import Pipeline, pipeline, pseudonyms

FILES = [SHIPPED / "authlog" / "auth.log", *whole("elastic-examples/auth.log")]
BURST, WITHIN_SECONDS = 10, 300
_FAILED = re.compile(r"(\w{3} +\d+ [\d:]{8}) .*Failed password for .* from (\S+) port ")


def failures(file: Path) -> list[tuple[int, str]]:
    """(Unix seconds, address) of every line that tells of a failed password."""
    found = [_FAILED.match(line) for line in file.read_text(errors="replace").splitlines() if "Failed password" in line]
    return [
        (int(datetime.strptime(f"2017 {each[1]}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC).timestamp()), each[2])
        for each in found
        if each
    ]


def bursting(found: list[tuple[int, str]]) -> dict[str, list[int]]:
    """By address: the seconds that end 300 seconds in which it failed ten times or more."""
    times: dict[str, list[int]] = defaultdict(list)
    for second, address in found:
        times[address].append(second)
    seconds: dict[str, list[int]] = {}
    for address, known in times.items():
        candidates = sorted({each + after for each in known for after in range(WITHIN_SECONDS)})
        ends = [end for end in candidates if sum(end - WITHIN_SECONDS < each <= end for each in known) >= BURST]
        if ends:
            seconds[address] = ends
    return seconds


def starts(seconds: dict[str, list[int]]) -> Counter[tuple[str, int]]:
    """(address, minute) in which a burst began, and how often."""
    return Counter(
        (address, end // 60)
        for address, ends in seconds.items()
        for before, end in pairwise([0, *ends])
        if end - before > 1
    )


def fired(running: Pipeline) -> list[tuple[str, float, float]]:
    """(pseudonym of the address, since, until) of everything that AuthFailureBurst said, in Unix seconds."""
    found = []
    since: dict[str, float] = {}
    for row in running.history("AuthFailureBurst"):
        address = row["labels"]["address"]
        if row["state"] == "firing":
            assert address not in since
            since[address] = row["active"]
        else:
            found.append((address, since.pop(address), row["changed"]))
    assert not since
    return found


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=["shipped", "whole"][: len(FILES)])
def test_counts_and_bursts_are_those_of_the_file(kafka: str, tmp_path: Path, file: Path) -> None:
    found = failures(file)
    assert len(found) == sum("Failed password" in line for line in file.read_text(errors="replace").splitlines())
    bursts = bursting(found)
    assert bursts
    with pipeline(tmp_path, kafka) as running:
        running.start()
        known_as = partial(pseudonyms(running).of, "default")
        bursts = {known_as(address): ends for address, ends in bursts.items()}
        summary = running.replay(str(file))
        last = datetime.fromisoformat(summary["last_time"]).timestamp()
        running.finish(summary["published"], last + 3 * WITHIN_SECONDS, 3000)

        per_minute = Counter(second // 60 for second, _ in found)
        stored = running.query(
            "SELECT intDiv(toUnixTimestamp(time), 60) AS minute, count() AS failed FROM raw_security"
            " WHERE kind = 'auth_failure' GROUP BY minute"
        )
        assert {row["minute"]: row["failed"] for row in stored} == per_minute
        running.wait(lambda: len(in_windows(running)) == len(per_minute), "a window for every minute")
        assert in_windows(running) == per_minute

        alerts = fired(running)
        assert Counter((address, int(since) // 60) for address, since, _ in alerts) == starts(bursts)
        assert {
            (address, second // 60) for address, since, until in alerts for second in range(int(since), int(until))
        } == {(address, end // 60) for address, ends in bursts.items() for end in ends}
        running.stop()


def in_windows(running: Pipeline) -> dict[int, float]:
    """Failed passwords by the minute, of all addresses, as the windows have them."""
    rows = running.query(
        "SELECT intDiv(toUnixTimestamp(window_start), 60) AS minute, sum(w.sum) AS failed FROM windows AS w FINAL"
        " WHERE name = 'auth_failures_total' AND window_seconds = 60 GROUP BY minute"
    )
    return {row["minute"]: row["failed"] for row in rows}
