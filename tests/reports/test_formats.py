"""Every format says the same, and nothing that events say can be more than text in it."""

import csv
import json
import re
import sys
from html.parser import HTMLParser
from io import StringIO
from xml.etree import ElementTree

import pytest

from schemas.failures import Rejected
from streams.reports.digest import check, digest
from streams.reports.document import Chart, Line
from streams.reports.formats import NAMES, render
from streams.reports.formats.html import page
from streams.reports.svg import svg
from tests.reports.example import HOSTILE, HOUR, START, report

_VOID = {"meta", "br", "wbr", "path", "rect"}


class Outline(HTMLParser):
    """The tags of a page, and what is wrong with how they are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def outline() -> Outline:
    found = Outline()
    found.feed(page(report()))
    return found


def test_the_page_has_no_script_and_fetches_nothing() -> None:
    found = outline()

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    targets = [value or "" for name, value in found.attributes if name in ("href", "src")]
    assert targets
    assert all(target.startswith("#query-") for target in targets)


def test_every_tag_of_the_page_is_closed() -> None:
    found = outline()

    assert found.wrong == []
    assert found.open == []


def test_each_number_leads_to_its_query() -> None:
    text = page(report())

    assert '<a class="query" href="#query-1"' in text
    assert '<li id="query-1">' in text


def test_a_chart_is_well_formed_and_says_in_words_what_it_shows() -> None:
    element = ElementTree.fromstring(svg(report().sections[0].charts[0], START, START + 86_400_000, "UTC"))

    assert "checkout: from 99.55 % to 99.95 %" in element.attrib["aria-label"].replace("\N{NO-BREAK SPACE}", " ")
    assert element.find(".//{*}title").text.startswith("<script>")  # type: ignore[union-attr]


def test_a_value_between_two_gaps_can_be_seen() -> None:
    """A stroke without length is as wide as a line: too small for a dot."""
    line = Line(name="score", values=(None, 50.0, None, 60.0, 70.0))
    chart = Chart(title="Score", times_ms=tuple(HOUR * at for at in range(5)), lines=(line,))
    strokes, dots = re.findall(r'<path class="line-0" d="([^"]*)"', svg(chart, 0, 5 * HOUR, "UTC"))
    assert dots.count("M") == 1
    assert strokes.count("L") == 1


@pytest.mark.parametrize("values", [(), (None, None), (0.0, 0.0), (5.0, 5.0), (-1.0, 1e12), (1e-12, 2e-12)])
def test_a_chart_of_any_values_can_be_drawn(values: tuple[float | None, ...]) -> None:
    times = tuple(START + 1000 * place for place in range(len(values)))
    for kind in ("lines", "bars"):
        chart = Chart(title="x", kind=kind, times_ms=times, lines=(Line(name="y", values=values),))  # type: ignore[arg-type]
        assert "nan" not in svg(chart, START, START + 60_000, "Europe/Berlin")


def test_markdown_takes_nothing_for_a_link_or_for_html() -> None:
    text = render(report(), "md").decode()

    assert not re.search(r"(?<!\\)<(?!sub>|/sub>|!-- tidewatch)", text.split("## Queries")[0])
    assert not re.search(r"(?<!\\)\]\(", text)
    assert re.search(r"https\\://", text)


def test_the_terminal_gets_no_control_characters() -> None:
    assert b"\x1b" not in render(report(), "terminal")


def test_a_spreadsheet_gets_no_formulas() -> None:
    lines = list(csv.DictReader(StringIO(render(report(), "csv").decode())))
    cells = [line["value"] for line in lines if line["part"] == "table"]

    assert "'=1+2" in cells
    assert HOSTILE in cells
    assert "99.7" in cells
    assert "2026-10-01T01:00:00.000Z" in cells


def test_json_is_the_content_with_its_digest() -> None:
    found = json.loads(render(report(), "json"))

    assert found["digest"] == digest(report())
    assert found["report"]["sections"][0]["figures"][2]["value"] == 130.5


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("terminal", "json")])
def test_a_sealed_file_has_the_digest_and_is_unaltered(name: str) -> None:
    found = check(render(report(), name))

    assert found.digest == digest(report())
    assert found.is_unaltered


def test_a_pdf_is_one_and_has_the_content_attached() -> None:
    written = render(report(), "pdf")

    assert written.startswith(b"%PDF-")
    assert b"/EmbeddedFile" in written or b"EmbeddedFile" in written


def test_without_weasyprint_pdf_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    with pytest.raises(Rejected, match=r"pip install 'tidewatch\[pdf\]'.*libpango"):
        render(report(), "pdf")
