"""A report as PDF: the same page, laid out by WeasyPrint, with the content as JSON attached."""

from typing import Any

from schemas.failures import Rejected
from streams.reports.digest import digest, sealed
from streams.reports.document import Report
from streams.reports.formats.html import page
from streams.reports.formats.json import render as as_json


def render(report: Report) -> bytes:
    """The file; its last line is the seal, in a comment after the end. Raises Rejected without WeasyPrint."""
    weasyprint = _weasyprint()
    attached = weasyprint.Attachment(string=as_json(report), name="report.json", description="The content, with digest")
    document = weasyprint.HTML(string=page(report), url_fetcher=_nothing_from_elsewhere)
    written: bytes = document.write_pdf(attachments=[attached])
    return sealed(written, digest(report), "% ")


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise Rejected(
            "PDF needs WeasyPrint and Pango: pip install 'tidewatch[pdf]', and on Debian "
            f"apt-get install libpango-1.0-0 libpangoft2-1.0-0 ({str(error).splitlines()[0]}). "
            "Or choose --format html and print that."
        ) from None
    return weasyprint


def _nothing_from_elsewhere(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f"a report fetches nothing, not {url}")
