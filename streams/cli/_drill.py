"""``tidewatch alerts drill``: a test alert through every route of every Alertmanager, and who would have been told."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.config import Config
from schemas.duration import milliseconds
from schemas.failures import Rejected, Unavailable
from sinks.alertmanager import AlertmanagerSink, shown_labels
from streams.alerts.alertmanager import AlertmanagerConfig, read_config
from streams.alerts.drills import LABEL, Drill, alert_of, drills
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences
from streams.config import load

_SEEN_SECONDS = 15.0
_LONGEST_HOLD_MS = 60_000
_MARGIN_MS = 5000
"""For Alertmanager to notify after its group_wait."""

Labels = frozenset[tuple[str, str]]


class Told(msgspec.Struct, frozen=True):
    """What became of one test alert at one Alertmanager."""

    alertmanager: str
    route: str
    labels: dict[str, str]
    receivers: list[str]
    """Whom Alertmanager hands it to."""
    by: list[str]
    """How they are told: slack, pagerduty ..."""
    problem: str = ""


@click.command(short_help="Send a test alert through every route of Alertmanager.")
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option(
    "--hold", metavar="DURATION", help="How long the alerts fire; else the longest group_wait, at most a minute."
)
@click.option("--json", "as_json", is_flag=True, help="Print an array with an object an Alertmanager and route.")
def command(path: str | None, hold: str | None, as_json: bool) -> None:
    """Send a test alert through every route of every Alertmanager, and say who is told by what.

    People are told! Every alert says that it is a drill, has the label `drill`, and is resolved at the end. The routes
    are those that Alertmanager has loaded; what it does with each alert is asked of it. The exit status is 1 when a
    route cannot be tested, or an alert is muted or reaches nobody.
    """
    with sentences():
        config = load(path)
        if not config.alertmanager.urls:
            raise Rejected("there is no Alertmanager to drill: name one in alertmanager.urls")
        hold_ms = milliseconds(hold) if hold else None
        told = [each for url in config.alertmanager.urls for each in asyncio.run(_drill(config, url, hold_ms))]
    if as_json:
        print_json(msgspec.to_builtins(told))
    else:
        _show(told)
    if any(each.problem for each in told):
        raise SystemExit(1)


async def _drill(config: Config, url: str, hold_ms: int | None) -> list[Told]:
    one = msgspec.structs.replace(config.alertmanager, urls=[url])
    sink = AlertmanagerSink(one, config.rules.external_url, patience_s=config.alertmanager.timeout)
    try:
        routes, name = await _configuration(sink, url), uuid4().hex[:8]
        planned = drills(routes.route, name) if routes.route else []
        seen = await _sent(sink, url, planned, name, hold_ms)
        return [_told(url, each, routes, seen) for each in planned]
    finally:
        await sink.close()


async def _configuration(sink: AlertmanagerSink, url: str) -> AlertmanagerConfig:
    """What an Alertmanager has loaded; its secrets are left out by itself."""
    status = await sink.ask(url, "status")
    if "config" not in status:
        raise Rejected(f"{url} has no routes to drill: it is no Alertmanager, or an inbox that only looks like one")
    found, problems, _ = read_config(status["config"]["original"], url)
    if found.route is None:
        raise Rejected(f"the configuration of {url} cannot be understood: {problems[0] if problems else 'no route'}")
    return found


async def _sent(
    sink: AlertmanagerSink, url: str, planned: Sequence[Drill], name: str, hold_ms: int | None
) -> dict[Labels, Any]:
    """Let the alerts fire for a while; what Alertmanager says of each, by its labels."""
    try:
        await _post(sink, planned)
        seen = await _seen(sink, url, name, len({tuple(each.labels.items()) for each in planned if each.labels}))
        if hold_ms is None:
            hold_ms = min(max(each.group_wait_ms for each in planned) + _MARGIN_MS, _LONGEST_HOLD_MS)
        await asyncio.sleep(hold_ms / 1000)
        return seen
    finally:
        await _post(sink, planned, state="resolved", reason="condition_false")


async def _post(sink: AlertmanagerSink, planned: Sequence[Drill], **changes: Any) -> None:
    now_ms = time.time_ns() // 1_000_000
    alerts = [msgspec.structs.replace(alert_of(each, now_ms), **changes) for each in planned if each.labels]
    [outcome] = await sink.post(alerts, now_ms)
    if outcome.error or outcome.rejected:
        raise Unavailable(outcome.error or outcome.rejected[0])


async def _seen(sink: AlertmanagerSink, url: str, name: str, count: int) -> dict[Labels, Any]:
    until = time.monotonic() + _SEEN_SECONDS
    while True:
        found = await sink.ask(url, "alerts", {"filter": f'{LABEL}="{name}"'})
        if len(found) >= count or time.monotonic() > until:
            return {frozenset(alert["labels"].items()): alert for alert in found}
        await asyncio.sleep(0.2)


def _told(url: str, drill: Drill, routes: AlertmanagerConfig, seen: Mapping[Labels, Any]) -> Told:
    if not drill.labels:
        return Told(url, drill.route, {}, [], [], "no labels were found that lead there")
    alert = seen.get(shown_labels(drill.labels.get("tenant", "default"), drill.labels))
    if alert is None:
        return Told(url, drill.route, drill.labels, [], [], "Alertmanager does not show the alert")
    receivers = [receiver["name"] for receiver in alert["receivers"]]
    by = sorted({kind for each in routes.receivers if each.name in receivers for kind in each.kinds})
    status = alert["status"]
    problem = "nobody is told by these receivers" if not by else ""
    if status["silencedBy"] or status["inhibitedBy"]:
        problem = "it is silenced" if status["silencedBy"] else "it is inhibited"
    return Told(url, drill.route, drill.labels, receivers, by, problem)


def _show(told: Sequence[Told]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("alertmanager", "route", "told", "by", "problem"):
        table.add_column(Text(name), overflow="fold")
    for each in told:
        cells = (each.alertmanager, each.route, ", ".join(each.receivers), ", ".join(each.by), each.problem)
        table.add_row(*map(Text, cells))
    Console(width=None if sys.stdout.isatty() else 1_000_000, highlight=False).print(table)
