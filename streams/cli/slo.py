"""``tidewatch slo``: objectives: check, list, export to Prometheus, import."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
import yaml

from schemas.duration import duration_text
from schemas.slo import Calendar, Objective
from streams.cli._counted import counted
from streams.slo.advice import advice
from streams.slo.export import rules
from streams.slo.files import Objectives, read_objectives
from streams.slo.importing import convert
from streams.slo.ratios import decimal_text

_FILES = click.argument(
    "files", nargs=-1, required=True, metavar="FILES...", type=click.Path(exists=True, dir_okay=False)
)


@click.group()
def command() -> None:
    """Objectives, in OpenSLO v1 or in the short form: check, list, export, import."""


@command.command()
@_FILES
@click.option("--json", "as_json", is_flag=True, help='Print {"objectives": N, "problems": [...], "warnings": [...]}.')
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Say what is wrong: file, line, column, and what to write instead. The exit status is 1 when there is anything.

    Warnings are of what loads and is probably not meant: a condition that alerts while the budget does not burn, an
    objective without alerts, a bound that is no bucket of the histogram.
    """
    found = _read(files)
    warnings = advice(found.objectives)
    if as_json:
        lines = {"problems": [*map(str, found.problems)], "warnings": [*map(str, warnings)]}
        click.echo(json.dumps({"objectives": len(found.objectives), **lines}, indent=2))
    else:
        _show_problems(found)
        for warning in warnings:
            click.echo(f"{warning.place}: warning: {warning.text}; {warning.fix}", err=True)
        counts = f"{counted(len(found.objectives), 'objective')}, {counted(len(found.problems), 'problem')}"
        click.echo(counts + (f", {counted(len(warnings), 'warning')}" if warnings else ""))
    raise SystemExit(1 if found.problems else 0)


@command.command("list")
@_FILES
@click.option("--json", "as_json", is_flag=True, help="Print a list of objectives.")
def list_(files: tuple[str, ...], as_json: bool) -> None:
    """List objectives: service, name, target, window, alerts."""
    found = _whole(files)
    rows = [_row(objective) for objective in found.objectives]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    widths = {key: max(len(row[key]) for row in rows) for key in rows[0]} if rows else {}
    for row in rows:
        click.echo("  ".join(value.ljust(widths[key]) for key, value in row.items()).rstrip())


@command.command()
@_FILES
def export(files: tuple[str, ...]) -> None:
    """Print Prometheus recording and alert rules that mean the same.

    Prometheus knows no windows of a calendar and no maintenance; the rules for the period of such a window are left
    out. A bound on a latency has to be a bucket of the histogram there.
    """
    found = _whole(files)
    for objective in found.objectives:
        if isinstance(objective.window, Calendar):
            click.echo(f"# {objective.name}: the period of a calendar window is left out")
    click.echo(yaml.safe_dump(rules(found.objectives), sort_keys=False, width=10_000), nl=False)


@command.command("import")
@_FILES
def import_(files: tuple[str, ...]) -> None:
    """Print files of Sloth and Pyrra as OpenSLO.

    What cannot be carried over is said on the standard error: as a note when the rest holds without it, as a problem
    (and exit status 1) when an objective could not be read.
    """
    documents, problems = [], 0
    for file in files:
        converted = convert(Path(file).read_text(encoding="utf-8"), file)
        documents += converted.documents
        problems += len(converted.problems)
        for problem in converted.problems:
            click.echo(str(problem), err=True)
        for note in converted.notes:
            click.echo(f"note: {note}", err=True)
    if documents:
        click.echo(yaml.safe_dump_all(documents, sort_keys=False, width=10_000), nl=False)
    raise SystemExit(1 if problems else 0)


def _read(files: Sequence[str]) -> Objectives:
    return read_objectives({file: Path(file).read_text(encoding="utf-8") for file in files})


def _whole(files: Sequence[str]) -> Objectives:
    """The objectives; ends the command when there are problems."""
    found = _read(files)
    _show_problems(found)
    if found.problems:
        raise SystemExit(1)
    return found


def _show_problems(found: Objectives) -> None:
    for problem in found.problems:
        click.echo(str(problem), err=True)


def _row(objective: Objective) -> dict[str, str]:
    window = objective.window
    if isinstance(window, Calendar):
        period = f"{window.count}{window.unit} of the calendar, {window.zone}"
    else:
        period = f"{duration_text(window.minutes * 60_000)} rolling"
    alerts = [objective.burn_rates] if objective.burn_rates else []
    return {
        "service": objective.service,
        "name": objective.name,
        "target": f"{decimal_text(objective.target * 100)} %",
        "window": period,
        "alerts": ", ".join([*alerts, *(condition.name for condition in objective.conditions)]) or "none",
    }
