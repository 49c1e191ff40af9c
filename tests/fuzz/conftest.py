"""How long to fuzz, and a fixture that does it."""

import pytest

from tests.fuzz.running import Fuzz

_FUZZES = pytest.StashKey[list[Fuzz]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzz")
    group.addoption("--fuzz-seconds", type=float, default=0, help="of all together; else some examples of each")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FUZZES] = []


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Fuzz:
    """Feeds a check with examples for this test's share of the time."""
    tests = sum("fuzz" in getattr(item, "fixturenames", ()) for item in request.session.items)
    made = Fuzz(request.node.name, request.config.getoption("--fuzz-seconds", 0) / tests)
    request.config.stash[_FUZZES].append(made)
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for fuzz in config.stash[_FUZZES] if config.getoption("--fuzz-seconds", 0) else ():
        terminalreporter.line(f"{fuzz.examples:>9,} examples of {fuzz.name}")
