"""Options of a run; without ``--seconds`` there is none."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--seconds", type=float, help="how long to publish and break things")
    group.addoption("--seed", type=int, help="repeat the faults of a run that printed it")
