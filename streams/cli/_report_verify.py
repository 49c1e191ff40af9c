"""``tidewatch report verify``: whether a copy is as it was written."""

import json
from pathlib import Path

import click
import orjson

from schemas.failures import Rejected
from streams.reports.digest import Sealed, check, digest_of


@click.command(short_help="Say whether FILE is as it was written.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--digest",
    "expected",
    metavar="sha256:...",
    help="The digest that was announced, of the report or of the file: it has to be that one too.",
)
@click.option("--json", "as_json", is_flag=True, help='Print {"unaltered": ..., "digest": ..., "file": ...}.')
def command(file: str, expected: str | None, as_json: bool) -> None:
    """Say whether FILE is as it was written; the exit status is 1 when it is not.

    The digest is part of the file, so who alters one on purpose can alter the other as well: compare with the digest
    that was announced when the report was made, by --digest.
    """
    try:
        found = _check(Path(file).read_bytes())
    except Rejected as error:
        raise click.ClickException(f"{file}: {error}") from None
    is_expected = expected is None or expected in (found.digest, found.file)
    is_right = found.is_unaltered and is_expected
    if as_json:
        click.echo(json.dumps({"unaltered": is_right, "digest": found.digest, "file": found.file}))
    elif not found.is_unaltered:
        click.echo(f"{file}: altered since it was written", err=True)
    elif not is_expected:
        click.echo(f"{file}: another report; its digest is {found.digest}, not {expected}", err=True)
    else:
        click.echo(f"{file}: unaltered, {found.digest}")
    raise SystemExit(0 if is_right else 1)


def _check(file: bytes) -> Sealed:
    """JSON is checked by its content, so it may be laid out anew; any other file by its seal."""
    if not file.lstrip().startswith(b"{"):
        return check(file)
    try:
        found = orjson.loads(file)
        stated, content = found["digest"], found["report"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Rejected("it is no report of Tidewatch, or a part of one") from None
    return Sealed(str(stated), "", digest_of(content) == stated)
