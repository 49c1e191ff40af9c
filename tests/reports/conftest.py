"""Options of the tests of reports."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("reports")
    group.addoption("--oscal-schema", metavar="FILE", help="NIST's JSON Schema of OSCAL assessment results")
