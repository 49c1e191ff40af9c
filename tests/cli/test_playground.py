"""``tidewatch playground`` is what a newcomer tries a worker against: what it prints works as it stands."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from sinks.kafka import Publisher
from streams.config import load


@pytest.fixture
def playground() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "streams.cli", "playground"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    yield process
    process.kill()
    process.wait()


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables of the lines that it tells to paste."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("export "):
            found |= dict(pair.split("=", 1) for pair in line.split()[1:])
        if line.startswith("Then:"):
            break
    return found


async def test_what_it_prints_leads_to_a_broker(playground: subprocess.Popen[str]) -> None:
    config = load(environment=exported(playground))

    async with Publisher(config.kafka) as publisher:
        delivery = await publisher.send_raw(config.topics.metrics, b"default/shop", b"{}")
    assert (await delivery).topic == "metrics"


def test_what_it_prints_leads_to_an_inbox(playground: subprocess.Popen[str]) -> None:
    config = load(environment=exported(playground))

    with urllib.request.urlopen(f"{config.alertmanager.urls[0]}/-/ready", timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_to(playground: subprocess.Popen[str], ending: signal.Signals) -> None:
    assert exported(playground)

    playground.send_signal(ending)

    assert playground.wait(20) == 0
