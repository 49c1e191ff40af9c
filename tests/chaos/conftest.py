"""Options of a run; without any it is the short one."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--seconds", type=float, default=75, help="how long to publish and break things")
    group.addoption("--events", type=int, default=1_000_000, help="how many events, about")
    group.addoption("--seed", type=int, help="repeat the faults of a run that printed it")
    group.addoption("--result", metavar="FILE", help="write what happened there, as JSON")
    group.addoption("--long", action="store_true", help="10 minutes, 10 million events, outages of a minute")
