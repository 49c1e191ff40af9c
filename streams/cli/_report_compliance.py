"""``tidewatch report compliance``: scores of controls, violations, attestations, and the seal of the evidence."""

import sys
from functools import partial
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import click

from schemas.policy import Framework
from streams.cli._clickhouse import asking, sentences
from streams.cli._reports import MADE_BY, now_ms, period_option, report_options, write
from streams.compliance.controls import FRAMEWORKS, catalogue
from streams.config import load
from streams.config.files import load_policies
from streams.reports.compliance.oscal import oscal
from streams.reports.compliance.report import compliance_report, find
from streams.reports.compliance.scope import Scope
from streams.reports.formats import NAMES


@click.command(short_help="How compliant a period was, with what proves it.")
@click.option(
    "--framework",
    "frameworks",
    type=click.Choice(FRAMEWORKS),
    multiple=True,
    help="Only this one; may be repeated. Else all of them.",
)
@partial(report_options, formats=(*NAMES, "oscal"))
def command(
    frameworks: tuple[Framework, ...],
    path: str | None,
    period_text: str,
    zone: str,
    tenant: str,
    format_: str | None,
    output: str | None,
) -> None:
    """How compliant a period was, control by control, with what proves it.

    Of each framework its score, trend and controls; then the violations by policy and service with owner, age and
    evidence, the attestations, and the seals of the evidence ledger. The format oscal is OSCAL 1.2.3 assessment
    results, in JSON.

    The exit status is 0 whatever the score is.
    """
    made_ms = now_ms()
    period = period_option(period_text, zone, made_ms)
    scope = Scope(
        tenant=tenant, period=period, frameworks=frameworks or FRAMEWORKS, until_ms=min(period.end_ms, made_ms)
    )
    with sentences():
        config = load(path)
        policies = {policy.id: policy for policy in load_policies(config.compliance).policies}
        with asking(config.clickhouse) as ask:
            found = find(ask, scope, catalogue(), policies)
        if format_ != "oscal":
            write(compliance_report(scope, found, made_ms, MADE_BY), format_, output)
            return
    written = oscal(scope, found, made_ms, MADE_BY, lambda name: str(uuid5(NAMESPACE_URL, f"tidewatch:{name}")))
    if output is None:
        sys.stdout.buffer.write(written)
    else:
        Path(output).write_bytes(written)
