"""Options of the tests of OCSF."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ocsf")
    group.addoption("--ocsf-schema", metavar="DIR", help="a checkout of https://github.com/ocsf/ocsf-schema")
