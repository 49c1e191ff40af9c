"""``tidewatch keys``: make the master keys of personal data, and replace them."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from schemas.failures import Rejected
from schemas.keys import Unwrapped, Wrapped
from sinks import subject_keys
from sinks.subject_keys import SubjectKey
from streams.api.parameters import DEFAULT_TENANT
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences
from streams.cli._protected import Desk, author, desk, now_ms, record
from streams.cli._publishing import kafka_options, settings
from streams.config.masterkeys import add_root, create_key_file, key_file
from streams.stages.keyring import key_binding

_AT_ONCE = 10_000


@click.group()
def command() -> None:
    """Make the master keys of personal data, and replace them without touching a row."""


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--keep", is_flag=True, help="Do nothing when FILE exists, instead of failing.")
def create(file: Path, keep: bool) -> None:
    """Write new master keys to FILE, which only you can read.

    Every worker needs the same ones: set privacy.keys_file, or give the content as TIDEWATCH_PRIVACY_KEYS. Keep a copy
    where ClickHouse is not: without them nobody can be revealed, and everybody would get another pseudonym.
    """
    if file.exists():
        if keep:
            click.echo(f"kept {file}")
            return
        raise click.ClickException(f"{file} exists, and is not overwritten: keys that are lost cannot be made again")
    try:
        create_key_file(file)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}; give a file in a directory of yours") from None
    click.echo(f"wrote {file}; set privacy.keys_file to it on every worker, and keep a copy elsewhere")


@command.command(short_help="Replace the tenants' keys, and wrap those of persons anew.")
@kafka_options
@author
@click.option("--only-wrap", is_flag=True, help="Make no new root: the file, or Vault, has one already.")
@click.option("--json", "as_json", is_flag=True, help="Print how many keys were wrapped anew, as an object.")
def rotate(path: str | None, bootstrap_servers: str | None, author: str, only_wrap: bool, as_json: bool) -> None:
    """Replace the tenants' keys: a new root, under which every person's key is wrapped anew.

    No row of events is written again. Workers read the key file again when they meet the new version. Where several
    machines have copies of the file: make the root on one, copy the file, and run this with --only-wrap. Vault
    makes its versions itself (vault write -f transit/keys/NAME/rotate); here its keys are wrapped anew.
    """
    config = settings(path, bootstrap_servers)
    with sentences():
        if not only_wrap and not config.privacy.vault_url:
            file = key_file(config)
            if file is None or config.privacy.keys:
                raise Rejected(
                    "the keys come from the environment: rotate them where they are kept, then use --only-wrap"
                )
            add_root(file, os.urandom(32))
        with desk(config) as at:
            wrapped = sum(_wrap_anew(at, tenant, keys) for tenant, keys in subject_keys.all_keys(at.clickhouse).items())
            subject_keys.forget_older_wrappings(at.clickhouse)
            record(config, DEFAULT_TENANT, "keys_rotated", author, {"keys": wrapped})
    if as_json:
        print_json({"wrapped": wrapped})
    else:
        click.echo(f"{wrapped} keys of persons are wrapped by the current version of their tenant's key")


def _wrap_anew(at: Desk, tenant: str, keys: list[SubjectKey]) -> int:
    """Those that an older version has wrapped; how many."""
    current = at.master.are_current([key.wrapped for key in keys]) if keys else []
    stale = [key for key, is_current in zip(keys, current, strict=True) if not is_current]
    for some in _chunks(stale):
        materials = at.master.unwrap(tenant, [Wrapped(key_binding(key), key.wrapped) for key in some])
        asked = [Unwrapped(key_binding(key), material) for key, material in zip(some, materials, strict=True)]
        texts = at.master.wrap(tenant, asked)
        anew = [key._replace(wrapped=text) for key, text in zip(some, texts, strict=True)]
        subject_keys.add(at.clickhouse, anew, now_ms())
    return len(stale)


def _chunks(keys: list[SubjectKey]) -> Iterator[list[SubjectKey]]:
    return (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))
