"""``tidewatch alerts ack``: somebody takes firing alerts up, so that nobody else is told of them."""

import asyncio
import getpass
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from schemas.alert import Alert
from schemas.config import Config
from schemas.duration import milliseconds
from schemas.failures import Rejected
from sinks.chdb_directory import quoted
from sinks.kafka import Publisher
from streams.alerts.matchers import parse_matchers
from streams.api.parameters import DEFAULT_TENANT
from streams.cli._answers import ask_for, print_json
from streams.cli._clickhouse import asking, sentences
from streams.cli._publishing import kafka_options, settings
from streams.promql.matcher import matches_all
from streams.promql.values import labels_text
from streams.stages.alertlog import encode

_FIRING = """SELECT rule, lower(hex(fingerprint)) AS id,
    argMax((rule_group, labels, annotations, value, toUnixTimestamp64Milli(active_at),
        toUnixTimestamp64Milli(changed_at), expression, state), (changed_at, recorded_at)) AS latest
FROM alert_history FINAL WHERE tenant = {tenant} GROUP BY rule, fingerprint
HAVING latest.8 = 'firing' ORDER BY rule, id"""

_ID = re.compile(r"[0-9a-f]{1,16}")


class Firing(msgspec.Struct, frozen=True):
    """A firing alert and the id that ``alerts list`` shows."""

    id: str
    alert: Alert


@click.command(short_help="Take up firing alerts: nobody further is told.")
@click.argument("selectors", metavar="ID...|MATCHER...", nargs=-1, required=True)
@kafka_options
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose alerts.")
@click.option("--comment", default="", help="What you found or will do; kept in the history.")
@click.option("--by", "author", default=getpass.getuser, show_default="your login", help="Who takes them up.")
@click.option("--for", "duration", metavar="DURATION", help="Only for so long, such as 2h; else until they are over.")
@click.option("--json", "as_json", is_flag=True, help="Print an array with an object an alert.")
def command(
    selectors: tuple[str, ...],
    path: str | None,
    bootstrap_servers: str | None,
    tenant: str,
    comment: str,
    author: str,
    duration: str | None,
    as_json: bool,
) -> None:
    """Take up firing alerts: their ladders stop, so that no further step is told.

    Alerts are given by the ids that `tidewatch alerts list` shows, or by matchers as in Alertmanager that all have to
    fit, such as 'service = shop' 'severity =~ "critical|high"'. Alertmanager goes on telling those who know already;
    a silence of Alertmanager is for them.
    """
    config, now_ms = settings(path, bootstrap_servers), time.time_ns() // 1_000_000
    with sentences():
        until_ms = now_ms + milliseconds(duration) if duration else 0
        chosen = choose(firing_alerts(config, tenant), selectors)
        records = [
            msgspec.structs.replace(
                each.alert,
                reason="acknowledged",
                noted_at_ms=now_ms,
                until_ms=until_ms,
                author=author,
                comment=comment,
            )
            for each in chosen
        ]
        asyncio.run(_publish(config, records))
    _tell(chosen, author, until_ms, as_json)


def _tell(chosen: Sequence[Firing], author: str, until_ms: int, as_json: bool) -> None:
    until = datetime.fromtimestamp(until_ms / 1000, UTC).isoformat(timespec="seconds") if until_ms else ""
    if as_json:
        print_json(
            [
                {"id": each.id, "labels": each.alert.labels, "acknowledged_by": author, "until": until or None}
                for each in chosen
            ]
        )
        return
    how_long = f"until {until}" if until else "until it is over"
    for each in chosen:
        labels = {name: value for name, value in each.alert.labels.items() if name != "alertname"}
        click.echo(f"{author} has {each.alert.rule}{labels_text(labels)} {how_long}")


def firing_alerts(config: Config, tenant: str) -> list[Firing]:
    """Out of the history, so that they are those of all workers."""
    with asking(config.clickhouse) as ask:
        answer = ask_for(ask, _FIRING.format(tenant=quoted(tenant)))
    return [Firing(id_, _alert(tenant, rule, latest)) for rule, id_, latest in answer.rows]


def _alert(tenant: str, rule: str, latest: Sequence[Any]) -> Alert:
    group, labels, annotations, value, active_at, changed_at, expression, _ = latest
    return Alert(
        tenant=tenant,
        rule=rule,
        group=group,
        labels=labels,
        annotations=annotations,
        state="firing",
        reason="held_for",
        value=float(value),
        expression=expression,
        active_at_ms=int(active_at),
        changed_at_ms=int(changed_at),
    )


def choose(firing: Sequence[Firing], selectors: Sequence[str]) -> list[Firing]:
    """Those with one of the ids, or those that all matchers fit. Raises Rejected when there is none."""
    if all(_ID.fullmatch(selector.lower()) for selector in selectors):
        ids = {selector.lower().zfill(16) for selector in selectors}
        chosen = [each for each in firing if each.id.zfill(16) in ids]
    else:
        matchers = [matcher for selector in selectors for matcher in parse_matchers(selector)]
        chosen = [each for each in firing if matches_all(matchers, each.alert.labels)]
    if not chosen:
        raise Rejected(f"no firing alert fits {' '.join(selectors)}: look at them with tidewatch alerts list")
    return chosen


async def _publish(config: Config, records: Sequence[Alert]) -> None:
    async with Publisher(config.kafka, config.topics) as publisher:
        for key, value in map(encode, records):
            await publisher.send_raw(config.topics.alerts, key, value)
