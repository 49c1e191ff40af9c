"""``python -m docs.pictures``: the pictures of reports in ``docs/images``, from the demo's two hours of Nezha.

Needs Chromium (Debian: chromium), and pypdfium2, which is its PDF viewer: ``pip install pypdfium2``.
"""

import shutil
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path

import pypdfium2
from PIL import Image

from schemas.config import ClickHouse as Settings
from schemas.sla import Sla
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.api.queries import asking
from streams.reports.document import Report
from streams.reports.formats import render
from streams.reports.period import period
from streams.reports.sla.report import sla_report
from streams.reports.sla.scope import Scope
from streams.slo.files import read_objectives
from tests.reports import nezha

FOLDER = Path(__file__).parent / "images"
PERIOD = "2022-08-22T03:45..2022-08-22T05:55"
MADE_MS = 1_795_100_000_000

_WIDTH, _COLOURS = 820, 200


def main() -> None:
    """Write them."""
    with tempfile.TemporaryDirectory(prefix="tidewatch-") as name:
        directory = Path(name)
        report = _report(directory)
        page, paper = directory / "report.html", directory / "report.pdf"
        page.write_bytes(render(report, "html"))
        paper.write_bytes(render(report, "pdf"))
        _keep(_screen(page, 1500), "report-sla.png")
        _keep(_screen(page, 1150, "--blink-settings=preferredColorScheme=0"), "report-sla-dark.png")
        _keep(_pages(paper, 2), "report-sla-pdf.png")


def _report(directory: Path) -> Report:
    promised = FOLDER / "objectives.yml"
    found = read_objectives({promised.name: promised.read_text(encoding="utf-8")})
    rules = files("streams.rules").joinpath("shipped", "tidewatch.yml").read_text(encoding="utf-8")
    sink = ClickHouse(Settings(url=f"chdb:{directory / 'data'}"))
    migrate(sink)
    nezha.store(sink, rules, found.objectives)
    scope = Scope(tenant="default", period=period(PERIOD, "UTC", MADE_MS), maintenance=tuple(found.maintenance))
    report = sla_report(asking(sink), scope, found.objectives, Sla(), MADE_MS, "tidewatch")
    sink.close()
    return report


def _screen(page: Path, height: int, *options: str) -> Image.Image:
    picture = page.with_suffix(".png")
    subprocess.run(  # noqa: S603 - arguments of our own
        [
            shutil.which("chromium") or "chromium-browser",
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *options),
            *(f"--window-size=1060,{height}", f"--screenshot={picture}", page.as_uri()),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return Image.open(picture)


def _pages(paper: Path, count: int) -> Image.Image:
    """Side by side, on grey."""
    document = pypdfium2.PdfDocument(paper)
    pages = [document[number].render(scale=1.5).to_pil() for number in range(count)]
    width, height = pages[0].size
    sheet = Image.new("RGB", ((width + 12) * count + 12, height + 24), "#888888")
    for number, page in enumerate(pages):
        sheet.paste(page, (12 + number * (width + 12), 12))
    return sheet


def _keep(picture: Image.Image, name: str) -> None:
    """Small: few colours, no wider than a page shows it."""
    size = (_WIDTH, picture.height * _WIDTH // picture.width)
    small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    small.quantize(_COLOURS, Image.Quantize.FASTOCTREE).save(FOLDER / name, optimize=True)


if __name__ == "__main__":
    main()
