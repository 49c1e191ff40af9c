"""``tidewatch attest``: vouch for a control that no event can witness."""

import getpass
import time

import click

from schemas.failures import Rejected
from streams.api.answers import instant
from streams.api.parameters import DEFAULT_TENANT
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences
from streams.cli._protected import record
from streams.cli._publishing import kafka_options, settings
from streams.cli._times import TIME
from streams.compliance.controls import FRAMEWORKS


@click.command()
@click.argument("control")
@kafka_options
@click.option("--until", "until_ms", type=TIME, required=True, help="Until when it holds, such as 2027-11-22.")
@click.option("--evidence", "links", multiple=True, metavar="LINK", help="What supports it; may be repeated.")
@click.option("--statement", default="", help="What you attest to, in your words.")
@click.option("--by", "author", default=getpass.getuser, show_default="your login", help="Who attests.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="For whom.")
@click.option("--json", "as_json", is_flag=True, help="Print what was attested as an object.")
def command(
    control: str,
    path: str | None,
    bootstrap_servers: str | None,
    until_ms: int,
    links: tuple[str, ...],
    statement: str,
    author: str,
    tenant: str,
    as_json: bool,
) -> None:
    """Vouch for a CONTROL, such as "soc2 CC1.1", for a time.

    That goes into the evidence ledger, and counts in scores: as compliant while it holds, as a violation when it has
    expired. Attesting again renews it; what was said last counts.
    """
    config, now_ms = settings(path, bootstrap_servers), time.time_ns() // 1_000_000
    if until_ms <= now_ms:
        raise click.UsageError("--until is over; give a time to come")
    with sentences():
        framework, name = _control(control)
        said = {"framework": framework, "control": name, "until": until_ms, "statement": statement}
        record(config, tenant, "attestation", author, {**said, "evidence": list(links)})
    if as_json:
        print_json({**said, "evidence": list(links), "by": author, "tenant": tenant})
    else:
        click.echo(f"{author} attests to {framework} {name} until {instant(until_ms)}")


def _control(text: str) -> tuple[str, str]:
    framework, _, control = text.strip().partition(" ")
    if framework not in FRAMEWORKS or not control.strip():
        raise Rejected(f"{text!r} is no control; write the framework before it, such as: soc2 CC1.1 or gdpr art-37")
    return framework, control.strip()
