"""The algorithm that docs/reference/evidence.md publishes, run as it stands there, on another machine so to speak."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.ledgers import KEY, exported, taken

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "evidence.md"
DATA = b"".join(exported(*taken()))
LINES = DATA.splitlines(keepends=True)
OTHER = "ab" * 32


def published() -> str:
    """The program of the page."""
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return program


PROGRAM: dict[str, Any] = {"__name__": "published"}
exec(compile(published(), str(PAGE), "exec"), PROGRAM)
verify: Callable[[bytes, str], None] = PROGRAM["verify"]


def is_good(lines: Sequence[bytes], key: str = KEY.public) -> bool:
    try:
        verify(b"".join(lines), key)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("command", [["verify.py"], ["-m", "streams.cli", "audit", "verify", "--key"]], ids=" ".join)
def test_an_export_verifies_where_nothing_is_but_itself_and_the_public_key(command: list[str], tmp_path: Path) -> None:
    """No configuration, no environment, no private key; an altered byte ends with a status other than 0."""
    (tmp_path / "verify.py").write_text(published(), encoding="utf-8")
    arguments = [KEY.public, "export"] if "--key" in command else ["export", KEY.public]

    def status(data: bytes) -> int:
        (tmp_path / "export").write_bytes(data)
        nothing = {"PATH": os.environ["PATH"]}
        run = subprocess.run(
            [sys.executable, *command, *arguments], cwd=tmp_path, env=nothing, capture_output=True, check=False
        )
        return run.returncode

    assert status(DATA) == 0
    assert status(DATA.replace(b'"reason":"no"', b'"reason":"so"', 1)) != 0


def test_the_published_program_finds_a_change_of_any_byte() -> None:
    """One bit of each byte; which one goes round."""
    assert is_good(LINES)
    for at in range(len(DATA)):
        changed = bytearray(DATA)
        changed[at] ^= 1 << at % 8
        assert not is_good([bytes(changed)]), (at, DATA[at - 20 : at + 20])


@settings(max_examples=300)
@given(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1), st.booleans())
def test_the_published_program_finds_lines_that_are_gone_moved_or_there_again(one: int, other: int, out: bool) -> None:
    moved = [*LINES[:one], *LINES[one + 1 :]]
    assert not is_good(moved)
    if LINES[one] != LINES[other]:
        moved.insert(other, LINES[one] if not out else LINES[other])
        assert not is_good(moved) or moved == LINES


def test_the_published_program_finds_another_key() -> None:
    assert not is_good(LINES, OTHER)


def test_a_tail_that_was_cut_off_with_the_numbers_set_right_is_found_in_the_middle_of_an_hour() -> None:
    """The first line of a chain is signed by nobody; the head is."""
    chain = next(at for at, line in enumerate(LINES) if b'"tenant":"zeta"' in line and line.startswith(b"C"))
    last = max(at for at, line in enumerate(LINES) if line.startswith(b"E"))
    begins = LINES[chain].replace(b'"entries":5', b'"entries":4')
    cut = [*LINES[:chain], begins, *LINES[chain + 1 : last], *LINES[last + 1 :]]

    assert begins != LINES[chain]
    assert not is_good(cut)
