"""Imports point one way: ``schemas`` <- pure ``streams`` <- what runs them -> ``sinks`` -> ``schemas``.

The pure middle looks at no clock, socket, file, environment or framework: time arrives as an event's time, a watermark
or an argument. That is what makes it testable by values alone, and a repeated batch equal to the first one.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("schemas", "streams", "sinks", "sources", "embedded", "demo")

MAY_IMPORT = {
    "schemas": ("schemas",),
    "sources": ("schemas", "sources"),
    "sinks": ("schemas", "sinks"),
    "embedded": OURS,
    "demo": OURS,
}

IMPURE = {
    "streams.app": "builds the Faust app and its agents",
    "streams.stages.transport": "takes record batches from Kafka for Faust",
    "streams.stages.unpacking": "reads record batches as aiokafka fetched them",
    "streams.worker": "wires everything and runs it",
    "streams.supervisor": "starts worker processes and watches them",
    "streams.stages.ingest": "awaits Kafka and ClickHouse around the pure ingest",
    "streams.stages.sending": "sends to Kafka what the windows need",
    "streams.stages.windows": "awaits Kafka and ClickHouse around the pure windows",
    "streams.stages.notify": "awaits Alertmanager and ClickHouse around the pure notifications",
    "streams.stages.escalate": "awaits Alertmanager and Kafka around the pure escalation",
    "streams.stages.evidence": "awaits Kafka and ClickHouse around the pure ledger",
    "streams.stages.ownhealth": "checks Kafka, ClickHouse, Alertmanager and the disk",
    "streams.health.checks": "calls the checks of a service, in tasks and threads",
    "streams.stages.acts": "writes to the evidence topic",
    "streams.stages.writing": "has one task at a time write what waits",
    "streams.stages.alerthistory": "writes the history of alerts when ClickHouse takes it",
    "streams.stages.epochs": "runs the turns of a stage, as tasks",
    "streams.stages.offsets": "asks Kafka for committed offsets",
    "streams.stages.taking": "takes what aiokafka fetched",
    "streams.stages.alertlog": "writes to the alerts topic",
    "streams.stages.keyring": "keeps the keys of persons in ClickHouse",
    "streams.stages.sealing": "encrypts rows in a thread, with keys from ClickHouse",
    "streams.stages.store": "writes to ClickHouse in threads, with retries",
    "streams.stages.topics": "asks the broker for topics and creates them",
    "streams.stages.snapshots": "writes snapshots to Kafka and reads them",
    "streams.stages.shards": "keeps shards in Kafka, and takes them up again",
    "streams.stages.reporting": "writes the report of each day and announces it in Kafka",
    "streams.stages.judged": "writes verdicts about sequences to ClickHouse and Kafka",
    "streams.stages.closed": "writes the rows of closed windows when ClickHouse takes them",
    "streams.stages.maintenance": "reads the files of maintenance again now and then",
    "streams.config": "reads the configuration, the environment and the files they name",
    "streams.telemetry": "is the process's own metrics, logs, traces and health pages",
    "streams.api": "answers queries over HTTP, in threads with a time limit",
    "streams.cli": "is the command line",
}
"""Modules (or packages) of ``streams`` that may touch the world and import ``sinks``, and what for."""

WORLD = {
    **dict.fromkeys(("time", "random", "secrets", "uuid"), "take it as an argument"),
    **dict.fromkeys(("os", "pathlib", "tempfile", "shutil", "socket", "subprocess"), "do it in the caller"),
    **dict.fromkeys(("asyncio", "threading", "concurrent", "multiprocessing"), "leave scheduling to the caller"),
    **dict.fromkeys(("logging", "opentelemetry", "prometheus_client"), "return what there is to tell"),
    **dict.fromkeys(("faust", "mode", "aiokafka", "confluent_kafka", "aiohttp"), "belongs to the stages"),
    **dict.fromkeys(("clickhouse_connect", "chdb"), "belongs to sinks/"),
}
"""What a pure module does not import, and what to do instead."""

CLOCKS = {"now", "utcnow", "today"}


def belongs_to(module: str, packages: tuple[str, ...] | dict[str, str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules, and the names taken from them (``from streams import panes`` may be either)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls_of_the_world(tree: ast.AST) -> Iterator[str]:
    """``datetime.now()`` and its like, and ``open()``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "open" or (isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS):
                yield f"{called}()"


def impurities(source: str) -> list[str]:
    """What a pure module of ``streams`` must not do but does, each with where it belongs."""
    tree = ast.parse(source)
    found = [f"calls {call}: let the caller do it and pass the result" for call in calls_of_the_world(tree)]
    for module in imports(tree):
        if belongs_to(module, IMPURE) or (belongs_to(module, OURS) and not belongs_to(module, ("schemas", "streams"))):
            found.append(f"imports {module}: a pure module knows schemas and pure streams; take it as an argument")
        elif (root := module.partition(".")[0]) in WORLD:
            found.append(f"imports {module}: {WORLD[root]}")
    return found


def sources(package: str) -> Iterator[tuple[str, str]]:
    """Module name and text of every file of a package."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text(encoding="utf-8")


def test_pure_modules_look_at_nothing_but_their_arguments() -> None:
    """Code that must touch the world belongs into a stage, a sink, or a new entry of IMPURE with its reason."""
    found = [
        f"{module} {impurity}"
        for module, source in sources("streams")
        if not belongs_to(module, IMPURE)
        for impurity in impurities(source)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    found = [
        f"{module} imports {imported}; {package} may import {', '.join(MAY_IMPORT[package])} of ours"
        for module, source in sources(package)
        for imported in imports(ast.parse(source))
        if belongs_to(imported, OURS) and not belongs_to(imported, MAY_IMPORT[package])
    ]

    assert not found, "\n".join(found)


def test_every_exception_is_still_needed() -> None:
    """A module that became pure, or is gone, leaves the list."""
    impure = {module for module, source in sources("streams") if impurities(source)}
    unneeded = [entry for entry in IMPURE if not any(belongs_to(module, (entry,)) for module in impure)]

    assert not unneeded


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "import os.path",
        "from pathlib import Path",
        "def f():\n    import logging",
        "from aiokafka.structs import TopicPartition",
        "from sinks.clickhouse import ClickHouse",
        "import sinks",
        "from streams.stages import transport",
        "from streams.telemetry.metrics import Metrics",
        "from datetime import datetime\nwhen = datetime.now()",
        "import datetime\nwhen = datetime.date.today()",
        "text = open('rules.yml').read()",
    ],
)
def test_the_check_sees(source: str) -> None:
    assert len(impurities(source)) == 1


@pytest.mark.parametrize("source", ["from datetime import datetime", "from streams import panes", "x.open()"])
def test_the_check_permits(source: str) -> None:
    assert impurities(source) == []


def tracked_text() -> Iterator[tuple[str, str]]:
    """Path and text of every tracked file that is text, without the data that the demo ships."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("tracked files are listed by git: run this in a git checkout, with git installed")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and not name.startswith("demo/data/"):
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of somebody's machine", r"(?<![\w./])/(?:work|farm|root|home/\w+)/"),
        ("where packages are downloaded from", r"(?:index-url|find-links|\"resolved\"|^registry|^source)\W+https?:"),
    ],
)
def test_tracked_files_hold_for_every_machine(what: str, pattern: str) -> None:
    """Versions are pinned by number; each machine has its own paths and its own way to the registries."""
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1} has {what}: {match.group()}"
        for name, text in tracked_text()
        for match in re.finditer(pattern, text, re.MULTILINE)
    ]

    assert not found, "\n".join(found)
