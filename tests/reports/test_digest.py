"""A seal tells of any change; the digest is of what a report says, whatever it is written in."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Rejected
from streams.reports.digest import check, digest, sealed
from streams.reports.formats import render
from tests.reports.example import report

_DIGEST = "sha256:" + "0" * 64


@given(st.binary(max_size=200), st.data())
def test_any_changed_byte_breaks_the_seal(content: bytes, data: st.DataObject) -> None:
    file = sealed(content, _DIGEST, "<!-- ", " -->")
    assert check(file).is_unaltered

    at = data.draw(st.integers(0, len(file) - 1))
    changed = file[:at] + bytes([file[at] ^ data.draw(st.integers(1, 255))]) + file[at + 1 :]
    try:
        found = check(changed)
    except Rejected:
        return
    assert not found.is_unaltered or found.digest != _DIGEST or at == len(file) - 1 or b"\r" in changed


def test_what_follows_the_seal_is_no_part_of_a_report() -> None:
    with pytest.raises(Rejected, match="no seal"):
        check(render(report(), "html") + b"<p>and more</p>")


def test_a_report_that_says_something_else_has_another_digest() -> None:
    assert digest(report()) == digest(report())
    assert digest(report()) != digest(msgspec.structs.replace(report(), tenant="other"))
