"""``tidewatch alerts``: active alerts, what happened to them, taking them up, drills."""

from typing import Any

import click

from sinks.chdb_directory import quoted
from streams.api.parameters import DEFAULT_TENANT, duration_ms
from streams.cli import _acknowledge, _drill
from streams.cli._answers import Answer, ask_for, print_json
from streams.cli._clickhouse import asking, sentences, settings
from streams.promql.values import labels_text

_LIST = """SELECT lower(hex(fingerprint)) AS id, changed_at, state, severity, rule, labels, value, active_at,
    annotations['summary'] AS summary, fired, step, acknowledged_by, muted
FROM alerts WHERE {condition} ORDER BY state = 'firing' DESC, state = 'pending' DESC, changed_at DESC, rule, labels"""

_HISTORY = """SELECT if(toUnixTimestamp64Milli(noted_at) > 0, noted_at, changed_at) AS at, rule, state, reason,
    labels, value, active_at, annotations['summary'] AS summary,
    step, author, comment, nullIf(until, toDateTime64(0, 3, 'UTC')) AS until
FROM alert_history FINAL WHERE {condition} AND reason != 'resend'
ORDER BY at DESC, recorded_at DESC, rule LIMIT {limit}"""

_config = click.option(
    "--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)
_tenant = click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose alerts.")
_rule = click.option("--rule", help="Only alerts of this rule.")
_json = click.option("--json", "as_json", is_flag=True, help="Print an array with an object an alert or transition.")


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show alerts: those that are active (list), or all that happened to them (history).

    Take them up (ack), and test who is told (drill).

    Without a subcommand: list.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@_config
@_tenant
@_rule
@click.option("--all", "also_over", is_flag=True, help="Those that are over too, in their latest state.")
@_json
def list_(
    path: str | None = None,
    tenant: str = DEFAULT_TENANT,
    rule: str | None = None,
    also_over: bool = False,
    as_json: bool = False,
) -> None:
    """Alerts that are firing or pending, firing ones first."""
    condition = _condition(tenant, rule) + ("" if also_over else " AND state IN ('firing', 'pending')")
    _show(path, _LIST.format(condition=condition), as_json, "No alert is firing or pending.")


@command.command()
@_config
@_tenant
@_rule
@click.option("--since", metavar="DURATION", help="Only the last DURATION, by event time and the clock, such as 24h.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="The latest so many.")
@_json
def history(path: str | None, tenant: str, rule: str | None, since: str | None, limit: int, as_json: bool) -> None:
    """What happened to alerts, the latest first.

    Transitions: pending, firing, resolved, or inactive (was pending and never fired). While one fires, the steps of its
    ladder that were told, who acknowledged it, and when Alertmanager silenced or inhibited it.
    """
    condition = _condition(tenant, rule)
    with sentences():
        if since:
            condition += f" AND greatest(changed_at, noted_at) >= now64(3) - INTERVAL {duration_ms(since)} MILLISECOND"
    _show(path, _HISTORY.format(condition=condition, limit=limit), as_json, "No alert has changed its state.")


def _condition(tenant: str, rule: str | None) -> str:
    return f"tenant = {quoted(tenant)}" + (f" AND rule = {quoted(rule)}" if rule else "")


def _show(path: str | None, sql: str, as_json: bool, none: str) -> None:
    with sentences(), asking(settings(path)) as ask:
        answer = ask_for(ask, sql)
    if as_json:
        print_json(answer.objects())
    elif answer.rows:
        _readable(answer).show()
    else:
        click.echo(none)


def _readable(answer: Answer) -> Answer:
    """Labels as Prometheus writes them, without the name of the rule, which has a column."""
    at = list(answer.columns).index("labels")
    for row in answer.rows:
        row[at] = labels_text(_without_name(row[at]))
    return answer


def _without_name(labels: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in labels.items() if name != "alertname"}


command.add_command(_acknowledge.command, "ack")
command.add_command(_drill.command, "drill")
