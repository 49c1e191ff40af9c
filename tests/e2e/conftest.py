"""Options of the tests of whole pipelines: ``pytest tests/e2e/test_evidence.py --ledger-events 300000``."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("evidence")
    group.addoption("--ledger-events", type=int, default=6_000, help="how many events are judged, for the ledger")
    group.addoption("--ledger-result", metavar="FILE", help="write how the ledger was written and verified, as JSON")
