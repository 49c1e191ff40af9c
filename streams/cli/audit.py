"""``tidewatch audit``: verify the evidence ledger, and export it."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from schemas.config import Config
from schemas.failures import Rejected
from streams.cli import _ocsf
from streams.cli._answers import print_json
from streams.cli._clickhouse import Ask, asking, sentences
from streams.cli._evidence import Reading, Stored, chains
from streams.cli._progress import told
from streams.cli._times import time_ms
from streams.config import load
from streams.config.files import load_signing_key
from streams.evidence.anchors import Anchors, joined, kept_anchors, root_anchor
from streams.evidence.chain import HOUR_MS
from streams.evidence.export import Entries, Line, Stretch, Verdict, beginning, stretch_line, verified, verify_file
from streams.evidence.signing import PublicKeys, SigningKey
from streams.evidence.verifying import Bad

_config = click.option(
    "--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)
_tenant = click.option("--tenant", help="Only this one's chains.")
_since = click.option("--from", "since", metavar="TIME", help="From this hour on, such as 2026-11-22T10:00Z.")
_until = click.option("--to", "until", metavar="TIME", help="Up to this hour, without it.")


@click.group()
def command() -> None:
    """Verify the evidence ledger (verify), take a stretch of it elsewhere (export), and make keys for it (keygen).

    Hand violations and security events to a SIEM (ocsf).
    """


@command.command(short_help="Make a key that signs the ledger.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def keygen(file: Path) -> None:
    """Make a key that signs the ledger: FILE for the workers (evidence.key_file), FILE.pub for everybody else."""
    text = secrets.token_hex(32)
    key = SigningKey(text)
    public = file.with_name(f"{file.name}.pub")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as private:
            private.write(f"{text}\n")
        public.write_text(f"{key.public}\n", encoding="ascii")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; give the name of a new file") from None
    click.echo(f"{file} has the private key {key.id}; {public} has the public one, which verifies:\n{key.public}")


@command.command(short_help="Prove that nothing was altered, removed or put in.")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", "keys", metavar="KEY", multiple=True, help="Public key, or a file that has it; may be repeated.")
@click.option(
    "--anchor",
    "anchors",
    metavar="FILE|ROOT",
    multiple=True,
    help="What verify --json printed earlier, or the root of an hour: must be found again; may be repeated.",
)
@_config
@_tenant
@_since
@_until
@click.option("--json", "as_json", is_flag=True, help="Print an array with an object a chain.")
def verify(
    file: Path | None,
    keys: tuple[str, ...],
    anchors: tuple[str, ...],
    path: str | None,
    tenant: str | None,
    since: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    """Prove that nothing was altered, removed, reordered or put in; name the first entry where that is not so.

    In ClickHouse; or in FILE, an export, for which nothing but the public key is needed. Without a key (--key; in
    ClickHouse also that of the configuration) signatures are not looked at. With an anchor, also that history up to it
    was not written anew by whoever has the private key. Exit status 1: something is wrong.
    """
    with sentences():
        trusted = [_public(key) for key in keys]
        kept = joined(map(_anchor, anchors))
        if file is not None:
            found = _of_file(file, PublicKeys(trusted), kept)
        else:
            config = load(path)
            if not trusted and (own := load_signing_key(config.evidence)) is not None:
                trusted = [own.public]
            found = _of_clickhouse(config, PublicKeys(trusted), kept, tenant, since, until)
        found += list(_lost(found, kept.of_tenant(tenant) if tenant else kept))
    if as_json:
        print_json([_object(verdict) for verdict in found])
    else:
        _tell(found, bool(trusted))
    if any(verdict.problem for verdict in found):
        raise SystemExit(1)


@command.command(short_help="Write a stretch of the ledger into FILE.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_config
@_tenant
@_since
@_until
def export(file: Path, path: str | None, tenant: str | None, since: str | None, until: str | None) -> None:
    """Write a stretch of the ledger into FILE, which verifies elsewhere: tidewatch audit verify FILE --key KEY."""
    with sentences():
        config = load(path)
        with asking(config.clickhouse) as ask, file.open("wb") as out:
            wanted = _wanted(config, ask, tenant, since, until)
            out.write(beginning(len(wanted)))
            entries = 0
            for stored in wanted:
                entries += _write(ask, stored, out.write)
    click.echo(f"{file}: {entries:,} entries of {len(wanted)} chain{'' if len(wanted) == 1 else 's'}")


def _write(ask: Ask, stored: Stored, write: Callable[[bytes], object]) -> int:
    try:
        reading = Reading(ask, stored)
    except Bad as bad:
        raise Rejected(f"{stored.tenant}: {bad}; see tidewatch audit verify") from None
    count = reading.end - reading.first
    write(stretch_line(Stretch(stored.tenant, stored.chain, reading.first, count, len(reading.seals))))
    for line in reading.lines(with_passed=False):
        write(line.encode())
    return count


def _of_clickhouse(
    config: Config, keys: PublicKeys, anchors: Anchors, tenant: str | None, since: str | None, until: str | None
) -> list[Verdict]:
    with asking(config.clickhouse) as ask:
        found = []
        for stored in _wanted(config, ask, tenant, since, until):
            try:
                reading = Reading(ask, stored)
            except Bad as bad:
                found.append(Verdict(stored.tenant, stored.chain, 0, 0, 0, 0, 0, None, str(bad)))
                continue
            lines = told(reading.lines(), _entries, reading.end - reading.first, f"{stored.tenant}, entries")
            found.append(verified(stored.tenant, stored.chain, lines, keys, reading.is_whole, anchors))
        return found


def _wanted(config: Config, ask: Ask, tenant: str | None, since: str | None, until: str | None) -> list[Stored]:
    """All chains; from where rows may have expired on, unless said otherwise."""
    now_ms = time.time_ns() // 1_000_000
    kept_ms = now_ms - config.clickhouse.retention_days * 24 * HOUR_MS
    since_ms = max(time_ms(since) if since else 0, kept_ms + HOUR_MS)
    until_ms = time_ms(until) if until else None
    return [Stored(*chain, since_ms, until_ms) for chain in chains(ask, tenant)]


def _of_file(file: Path, keys: PublicKeys, anchors: Anchors) -> list[Verdict]:
    with file.open("rb") as lines:
        try:
            return list(verify_file(told(lines, len, file.stat().st_size, f"{file}, bytes"), keys, anchors))
        except Bad as bad:
            raise Rejected(f"{file}: {bad}") from None


def _anchor(text: str) -> Anchors:
    if not Path(text).is_file():
        return root_anchor(text)
    try:
        return kept_anchors(Path(text).read_bytes())
    except OSError as error:
        raise Rejected(f"{text}: {error.strerror}") from None
    except Rejected as rejected:
        raise Rejected(f"{text}: {rejected}") from None


def _lost(found: Sequence[Verdict], anchors: Anchors) -> Iterator[Verdict]:
    """What anchors know, and no chain that was looked at has."""
    for head in anchors.missing({(verdict.tenant, verdict.chain) for verdict in found}):
        problem = f"the chain is missing: the anchor knows {head.count} entries of it"
        yield Verdict(head.tenant, head.chain, 0, 0, 0, 0, 0, None, problem)
    for root in anchors.roots.difference(*(verdict.roots for verdict in found if not verdict.problem)):
        yield Verdict("anchor", root, 0, 0, 0, 0, 0, None, "no hour of a good chain has this root")


def _entries(line: Entries | Line) -> int:
    return len(line.rows) if isinstance(line, Entries) else 0


def _public(key: str) -> str:
    if not Path(key).is_file():
        return key
    try:
        return Path(key).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise Rejected(f"{key} is not a readable file with a public key") from None


def _object(verdict: Verdict) -> dict[str, object]:
    return {
        "tenant": verdict.tenant,
        "chain": verdict.chain,
        "ok": not verdict.problem,
        "problem": verdict.problem or None,
        "first": verdict.first,
        "entries": verdict.entries,
        "seals": verdict.seals,
        "sealed_from": _instant(verdict.since_ms),
        "sealed_to": _instant(verdict.until_ms),
        "head": msgspec.to_builtins(verdict.head),
    }


def _instant(ms: int) -> str | None:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="minutes").replace("+00:00", "Z") if ms else None


def _tell(found: Sequence[Verdict], with_keys: bool) -> None:
    for line in _sentences(found):
        click.echo(line)
    if not found:
        click.echo("There is no evidence yet.")
    elif not with_keys:
        click.echo("Signatures were not looked at: give the public key with --key.")


def _sentences(found: Sequence[Verdict]) -> Iterator[str]:
    for verdict in found:
        name = f"{verdict.tenant} ({verdict.chain})"
        if verdict.problem:
            yield f"BAD  {name}: {verdict.problem}"
            continue
        sealed = f", sealed from {_instant(verdict.since_ms)} to {_instant(verdict.until_ms)}" if verdict.seals else ""
        text = f"{verdict.entries:,} entries from {verdict.first} on{sealed}"
        after = verdict.head.count - verdict.first - verdict.entries if verdict.head else 0
        yield f"ok   {name}: {text}" + (f"; {after:,} later ones are not part of this" if after else "")


command.add_command(_ocsf.command, "ocsf")
