"""The files that the page about objectives shows are read without a problem."""

import re
from pathlib import Path

import pytest

from streams.slo.files import read_objectives

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "objectives.md"
FILES = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_every_file_on_the_page_is_right(text: str) -> None:
    found = read_objectives({"f.yml": text})

    assert found.objectives
    assert not found.problems
