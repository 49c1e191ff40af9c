"""Where the data of these tests is: the extracts that the repository ships, and whole data sets when there are any."""

import os
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "demo" / "data"

# Taken out of the environment: a command of Tidewatch refuses a TIDEWATCH_* variable that is no setting.
_WHOLE = os.environ.pop("TIDEWATCH_TEST_DATA", "")


def whole(path: str) -> list[Path]:
    """A file of the directory that TIDEWATCH_TEST_DATA names, when it does."""
    return [Path(_WHOLE, path)] if _WHOLE else []


needs_whole = pytest.mark.skipif(not _WHOLE, reason="TIDEWATCH_TEST_DATA names no directory with whole data sets")
