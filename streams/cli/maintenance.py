"""``tidewatch maintenance``: declare time in which objectives do not count; list it."""

import getpass
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from schemas.failures import Rejected
from streams.cli._declared import added, shown
from streams.config import load
from streams.config.files import load_objectives

_CONFIG = click.option(
    "--config", "config_path", metavar="FILE", help="The configuration; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)


@click.group()
def command() -> None:
    """Maintenance: declare it, before or afterwards, and list what is declared.

    It is written into the file that slo.maintenance names. Workers read that file again when it changes; reports count
    every period anew with what is declared when they are made.
    """


@command.command()
@click.argument("name")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Only of this service; may be repeated.")
@click.option("--start", metavar="TIME", help='Once: "2026-01-31 22:00", in the zone. Without it and --days: now.')
@click.option("--days", metavar="DAYS", help="Every week: mon,tue,...; needs --at.")
@click.option("--at", metavar="HH:MM", help="Every week: the time of day, in the zone.")
@click.option("--until", metavar="TIME", help="Every week: none begins after that.")
@click.option("--for", "length", required=True, metavar="DURATION", help="How long, such as 90m or 2h.")
@click.option("--zone", default="UTC", show_default=True, help="IANA name of a time zone.")
@click.option("--by", metavar="WHO", help="Who declares it; without it, your login.")
@_CONFIG
def add(name: str, services: tuple[str, ...], by: str | None, config_path: str | None, **when: Any) -> None:
    """Declare maintenance, NAME in a few words."""
    now = datetime.now(UTC)
    item = {
        "name": name,
        "services": list(services),
        **_when(now, **when),
        "by": by or getpass.getuser(),
        "declared": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    try:
        path = Path(_file(config_path))
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        _replace(path, added(text, str(path), {key: value for key, value in item.items() if value}))
    except (Rejected, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{path}: declared {name!r} for {when['length']}; workers take it up with their next minute")


def _when(now: datetime, *, zone: str, length: str, **given: str | None) -> dict[str, object]:
    """As the file has it: once, every week, or from now on."""
    days, start = given["days"], given["start"]
    if bool(days) != bool(given["at"]) or (days and start) or (given["until"] and not days):
        raise click.UsageError("give either --start, or --days and --at (and --until)")
    if not days and not start:
        if zone != "UTC":
            raise click.UsageError("without --start it begins now, in UTC: leave out --zone")
        start = f"{now:%Y-%m-%d %H:%M}"
    return {
        "start": start,
        "days": [day.strip() for day in days.split(",")] if days else None,
        "at": given["at"],
        "until": given["until"],
        "for": length,
        "zone": zone if zone != "UTC" else None,
    }


@command.command("list", short_help="List what is declared: when, for what, by whom.")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print a list of what is declared.")
def list_(config_path: str | None, as_json: bool) -> None:
    """List what is declared, in that file and beside the objectives: when, for which services, by whom."""
    try:
        declared = load_objectives(load(config_path).slo).maintenance
    except Rejected as error:
        raise click.ClickException(str(error)) from None
    rows = shown(declared, int(time.time()) // 60)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("no maintenance is declared")
    for row in [] if as_json else rows:
        services = ", ".join(map(str, row["services"] or ["every service"]))  # type: ignore[call-overload]
        by = f"  by {row['by']}" if row["by"] else ""
        now = "  now" if row["now"] else ""
        click.echo(f"{row['name']}  {row['when']} {row['zone']} for {row['for']}  {services}{by}{now}")


def _file(config_path: str | None) -> str:
    file = load(config_path).slo.maintenance
    if not file:
        raise Rejected('slo.maintenance names no file; write maintenance = "maintenance.yml" below [slo]')
    return file


def _replace(path: Path, text: str) -> None:
    """At once: a worker may be reading it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
