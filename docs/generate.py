"""``python -m docs.generate [--check]``: the reference pages, from the code that they describe.

Each module of ``docs/pages`` has ``FILE``, the page's name in ``docs/reference``, and ``text()``, its content.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import click

from docs import pages

FOLDER = Path(__file__).parent / "reference"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is not what the code says.")
def command(check: bool) -> None:
    """Write the reference pages."""
    expected = texts()
    stale = [name for name, text in expected.items() if _read(name) != text]
    strange = sorted(file.name for file in FOLDER.glob("*") if file.name not in expected)
    if check:
        for name in stale + strange:
            click.echo(f"docs/reference/{name} is stale; run: make docs", err=True)
        sys.exit(1 if stale or strange else 0)
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(expected[name], encoding="utf-8")
        click.echo(f"wrote docs/reference/{name}")
    for name in strange:
        (FOLDER / name).unlink()
        click.echo(f"removed docs/reference/{name}")


def texts() -> dict[str, str]:
    """Every page by its file name."""
    names = [page.name for page in pkgutil.iter_modules(pages.__path__)]
    modules = [importlib.import_module(f"{pages.__name__}.{name}") for name in names]
    return {module.FILE: module.text() for module in modules}


def _read(name: str) -> str | None:
    file = FOLDER / name
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    command()
