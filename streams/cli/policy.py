"""``tidewatch policy``: which policies there are, and what each says about an event."""

import json

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas import cloudevents
from schemas.duration import duration_text
from schemas.events import ProcessingEvent, SecurityEvent
from schemas.failures import Rejected
from streams.cli._policies import policies
from streams.compliance.judging import Finding
from streams.compliance.policy import Policy
from streams.compliance.sequences.marking import Marker, Part
from streams.compliance.sequences.policy import SequencePolicy

_CONFIG = click.option(
    "--config", metavar="FILE", help="The configuration; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)
_VERDICTS = {"non_compliant": "red", "not_evaluated": "yellow", "compliant": "green"}


@click.group()
def command() -> None:
    """List policies, and explain what they say about an event."""


@command.command("list")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print a list of policies with their conditions.")
def list_(config: str | None, as_json: bool) -> None:
    """List the policies that a worker judges by."""
    found = policies((), config).every
    if as_json:
        click.echo(json.dumps([_described(policy) for policy in found], indent=2))
        return
    table = Table("policy", "severity", "controls", "duty", box=None, pad_edge=False, header_style="bold")
    for policy in found:
        table.add_row(*map(Text, (policy.id, policy.severity, ", ".join(policy.controls), policy.title)))
    Console(soft_wrap=True).print(table)


@command.command()
@click.argument("event", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--all", "with_others", is_flag=True, help="Also those that the event does not concern.")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print the finding of every policy, those not concerned too.")
def explain(event: str, with_others: bool, config: str | None, as_json: bool) -> None:
    """Say what each policy finds in EVENT, and why.

    Of a policy about a sequence it says which of the steps the event is. EVENT is a file with one security or
    processing event in JSON, as services publish it; - reads standard input. The exit status is 1 when a policy is
    violated.
    """
    judge, read = policies((), config), _read(event)
    findings, parts = judge.explain(read), Marker(judge.sequences, judge.attributes).explain(read)
    if as_json:
        explained = [*map(_explained, findings), *map(_explained_part, parts)]
        click.echo(json.dumps(explained, indent=2))
    else:
        for finding in findings:
            if finding.verdict or with_others:
                _show(finding)
        for part in parts:
            if part.steps or with_others:
                _show_part(part)
        if not any(finding.verdict for finding in findings) and not any(part.steps for part in parts):
            click.echo("no policy concerns this event")
    if any(finding.verdict and finding.verdict[0] == "non_compliant" for finding in findings):
        raise SystemExit(1)


def _read(name: str) -> SecurityEvent | ProcessingEvent:
    with click.open_file(name, "rb") as file:
        value: bytes = file.read()
    try:
        event = cloudevents.decode(value)
    except Rejected as rejected:
        raise click.ClickException(f"{name}: {rejected}") from None
    if not isinstance(event, SecurityEvent | ProcessingEvent):
        raise click.ClickException(f"{name}: only security and processing events are judged")
    return event


def _show(finding: Finding) -> None:
    policy = finding.policy
    verdict, reason = finding.verdict or ("not concerned", "")
    shown = click.style(verdict.replace("_", " "), fg=_VERDICTS.get(verdict))
    click.echo(f"{policy.id}: {shown}" + (f": {reason}" if reason else ""))
    if finding.verdict is None:
        return
    click.echo(f"  {policy.title} ({', '.join(policy.controls)}; {policy.severity})")
    stated = ", ".join(f"{name} = {_value(value)}" for name, value in finding.facts.items())
    click.echo(f"  it looked at: {stated}")
    if verdict == "non_compliant":
        click.echo(f"  to do: {policy.remediation}")


def _show_part(part: Part) -> None:
    policy = part.policy
    if not part.steps:
        click.echo(f"{policy.id}: no step of its sequence")
        return
    within = f" within {duration_text(policy.within_ms)}" if policy.within_ms else ""
    click.echo(f"{policy.id}: {click.style(_steps_of(part), fg='cyan')}; several events{within} decide")
    click.echo(f"  {policy.title} ({', '.join(policy.controls)}; {policy.severity})")
    for number in range(len(policy.steps)):
        click.echo(f"  {'>' if number in part.steps else ' '} {number + 1}. {_described_step(policy, number)}")
    stated = ", ".join(f"{name} = {_value(value)}" for name, value in part.facts.items())
    click.echo(f"  it looked at: {stated}")


def _steps_of(part: Part) -> str:
    numbers = " and ".join(str(number + 1) for number in part.steps)
    return f"step {numbers} of {len(part.policy.steps)}"


def _described_step(policy: SequencePolicy, number: int) -> str:
    step = policy.steps[number]
    last = number == len(policy.steps) - 1
    limit = f" for {duration_text(policy.deadline_ms)}" if step.absent and last else ""
    often = f"{step.times} x " if step.times > 1 else ""
    condition = f" where {step.when.text.strip()}" if step.when else ""
    return f"{'no ' if step.absent else often}{step.event}{condition}, by {', '.join(step.by)}{limit}"


def _value(value: object) -> str:
    return "not stated" if value is None else json.dumps(value)


def _explained(finding: Finding) -> dict[str, object]:
    verdict, reason = finding.verdict or ("not_concerned", "")
    policy = finding.policy
    return {
        "policy": policy.id,
        "verdict": verdict,
        "reason": reason,
        "controls": policy.controls,
        "severity": policy.severity,
        "facts": dict(finding.facts),
        "remediation": policy.remediation if verdict == "non_compliant" else "",
        "digest": policy.digest,
    }


def _explained_part(part: Part) -> dict[str, object]:
    policy = part.policy
    return {
        "policy": policy.id,
        "verdict": _steps_of(part) if part.steps else "not_concerned",
        "reason": "",
        "controls": policy.controls,
        "severity": policy.severity,
        "facts": dict(part.facts),
        "remediation": "",
        "digest": policy.digest,
    }


def _described(policy: Policy | SequencePolicy) -> dict[str, object]:
    names = ("id", "title", "frameworks", "severity", "reason", "remediation", "owner", "source", "digest", "file")
    head = {name: msgspec.to_builtins(getattr(policy, name)) for name in names}
    if isinstance(policy, SequencePolicy):
        steps = [_described_step(policy, number) for number in range(len(policy.steps))]
        return {**head, "sequence": {"within": duration_text(policy.within_ms), "steps": steps}}
    conditions = {
        event: {"when": pair.when.text if pair.when else "", "require": pair.require.text}
        for event, pair in policy.conditions.items()
    }
    return {**head, "conditions": conditions}
