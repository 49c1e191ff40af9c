"""``tidewatch check``: what is wrong with rules, policies, objectives, configuration."""

import json

import click
import msgspec

from streams.cli._checks import Checked, Checks
from streams.cli._counted import counted


@click.command()
@click.argument("paths", metavar="[FILES]...", nargs=-1)
@click.option(
    "--config", "config_path", metavar="FILE", help="The configuration; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)
@click.option("--strict", is_flag=True, help="Warn of every series that only a metric event can give.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help='Print {"files", "rules", "policies", "objectives", "errors": [...], "warnings": [...]}.',
)
def command(paths: tuple[str, ...], config_path: str | None, strict: bool, as_json: bool) -> None:
    """Check files of rules, ladders, policies, objectives and service levels, configurations, and Alertmanager's.

    Without FILES: the configuration in effect and the files that it names. Each error is one line with file, line,
    column, what is wrong and what to write instead. The exit status is 1 when there is any. Warnings are of what loads
    and probably does not work: a histogram_quantile without rate or le, a rate of a gauge, a template that uses a label
    which the expression drops. An Alertmanager's configuration is compared with the rules and ladders beside it:
    receivers and routes that no alert reaches, steps that have no route.
    """
    checks = Checks(strict)
    if paths:
        checks.named(paths)
    else:
        checks.configuration(config_path)
    checked = checks.finish()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(checked), indent=2))
    else:
        for error in checked.errors:
            click.echo(str(error))
        for warning in checked.warnings:
            click.echo(warning.line_of("warning: "))
        click.echo(_summary(checked))
    if checked.errors:
        raise SystemExit(1)


def _summary(checked: Checked) -> str:
    counts = ((checked.rules, "rule"), (checked.policies, "policy"), (checked.objectives, "objective"))
    what = [counted(number, one) for number, one in counts if number]
    said = [counted(len(checked.errors), "error") if checked.errors else "no errors"]
    said += [counted(len(checked.warnings), "warning")] if checked.warnings else []
    return f"{', '.join(checked.files) or 'nothing'}: {', '.join([*what, *said])}"
