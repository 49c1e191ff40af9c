"""Real servers as fixtures, one of each a test run.

A server that cannot be had fails the test in CI (``CI=true``) and skips it elsewhere, with a sentence that says what
to install. A test that uses one carries the marker of the same name: ``pytest -m "not kafka"`` runs without Java.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import settings

from tests.reports.browser import find_chromium
from tests.reports.oscal_schema import oscal_schema as fetch_oscal_schema
from tests.servers import NotInstalled
from tests.servers.alertmanager import Alertmanager
from tests.servers.kafka import KafkaServer, broker
from tests.servers.process import tail

settings.register_profile("tidewatch", deadline=None)  # how long an example takes says more of what else runs
settings.load_profile("tidewatch")

_MARKERS = {
    "kafka": "kafka",
    "start_kafka": "kafka",
    "alertmanager": "alertmanager",
    "start_alertmanager": "alertmanager",
    "promtool": "promtool",
}
"""Fixture -> marker of the tests that use it."""
_LOGS = pytest.StashKey[list[Path]]()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[str]:
    """The bootstrap servers of a real Apache Kafka. Topics are shared by the run: name yours uniquely."""
    directory = tmp_path_factory.mktemp("kafka")
    pytestconfig.stash[_LOGS].append(directory / "kafka.log")
    with _required(), broker(directory) as bootstrap_servers:
        yield bootstrap_servers
    shutil.rmtree(directory / "data", ignore_errors=True)  # pytest keeps directories of the last runs; a log is enough


@pytest.fixture
def start_kafka(tmp_path: Path) -> Iterator[Callable[..., KafkaServer]]:
    """Starts an Apache Kafka for the test alone, to stop, kill or configure; takes KafkaServer's options."""
    with ExitStack() as running:

        def start(**options: Any) -> KafkaServer:
            with _required():
                return running.enter_context(KafkaServer(Path(mkdtemp(dir=tmp_path)), **options))

        yield start


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Alertmanager]:
    """A real Alertmanager and its webhook. Alerts are shared by the run: give yours an alertname of their own."""
    directory = tmp_path_factory.mktemp("alertmanager")
    pytestconfig.stash[_LOGS].append(directory / "alertmanager.log")
    with _required(), Alertmanager(directory) as server:
        yield server


@pytest.fixture
def start_alertmanager(tmp_path: Path) -> Iterator[Callable[..., Alertmanager]]:
    """Starts one more Alertmanager, empty, for the test alone; takes Alertmanager's options."""
    with ExitStack() as running:

        def start(**options: Any) -> Alertmanager:
            with _required():
                return running.enter_context(Alertmanager(Path(mkdtemp(dir=tmp_path)), **options))

        yield start


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus' own rule checker."""
    with _required():
        found = shutil.which("promtool")
        if found is None:
            raise NotInstalled("These tests compare with promtool: apt-get install prometheus")
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser that looks at reports."""
    with _required():
        return find_chromium()


@pytest.fixture(scope="session")
def oscal_schema() -> dict[str, Any]:
    """NIST's JSON Schema of OSCAL assessment results."""
    with _required():
        return fetch_oscal_schema()


@contextmanager
def _required() -> Iterator[None]:
    try:
        yield
    except NotInstalled as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LOGS] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in _MARKERS.keys() & getattr(item, "fixturenames", ()):
            item.add_marker(_MARKERS[fixture])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failure of a test that uses a server, the end of the server's log."""
    report = yield
    if report.failed and any(item.get_closest_marker(marker) for marker in ("kafka", "alertmanager")):
        report.sections += [(f"the end of {log}", tail(log)) for log in item.config.stash[_LOGS] if log.exists()]
    return report
