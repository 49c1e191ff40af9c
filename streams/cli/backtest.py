"""``tidewatch backtest``: what rules would have done with the history."""

import time
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.config import Config
from schemas.duration import duration_text
from schemas.failures import Rejected
from streams.api.answers import instant
from streams.api.parameters import DEFAULT_TENANT, duration_ms
from streams.api.queries import resolution
from streams.cli._answers import print_json
from streams.cli._clickhouse import asking, sentences
from streams.cli._times import TIME
from streams.config import load
from streams.config.files import load_rules, load_sla
from streams.promql.values import labels_text
from streams.rules.compiled import CompiledGroup
from streams.rules.engine import RuleEngine
from streams.stored.backtest import Firing, Summary, firings, names, replay, span, summaries
from streams.stored.cells import cells
from streams.windows.tenant import Settings, Tenant


@click.command()
@click.argument("rules", metavar="RULES...", nargs=-1, required=True)
@click.option("--from", "start_ms", type=TIME, required=True, help="Such as 2026-11-22T10:15Z, or Unix seconds.")
@click.option("--to", "end_ms", type=TIME, help="Default: now.")
@click.option("--step", metavar="DURATION", help="Between two evaluations. Default: rules.evaluation_interval.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose history.")
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option(
    "--json", "as_json", is_flag=True, help='Print {"from": ..., "to": ..., "rules": [...], "firings": [...]}.'
)
def command(
    rules: tuple[str, ...],
    start_ms: int,
    end_ms: int | None,
    step: str | None,
    tenant: str,
    path: str | None,
    as_json: bool,
) -> None:
    """Replay the history in ClickHouse through rule files and list what would have fired when.

    The rules are evaluated as a worker does, on the clock of the events, from raw rows: a pane counts when it has
    ended, up to 10 seconds later than at the live edge. A rule flaps when an alert fires again within 15 minutes of its
    end. A longer --step is faster.
    """
    end_ms = time.time_ns() // 1_000_000 if end_ms is None else end_ms
    if end_ms <= start_ms:
        raise click.UsageError("--to has to be after --from")
    with sentences():
        config = load(path)
        step_ms = duration_ms(step) if step else int(config.rules.evaluation_interval * 1000)
        if step_ms < 1:
            raise Rejected("--step has to be positive")
        groups = load_rules(list(rules))
        fired, errors = _replayed(config, groups, tenant, (start_ms, end_ms), step_ms)
    found = summaries(groups, fired, errors, end_ms)
    if as_json:
        print_json(_as_json(fired, found, start_ms, end_ms))
        return
    _show(fired, found, end_ms)


def _replayed(
    config: Config, groups: list[CompiledGroup], name: str, period: tuple[int, int], step_ms: int
) -> tuple[list[Firing], dict[str, str]]:
    """The firings, and why rules failed."""
    start_ms, end_ms = period
    engine = RuleEngine(groups, name, step_ms, config.rules.external_url)
    settings = Settings((), 0, config.limits.series_per_tenant, step_ms, load_sla(config.sla.file))
    tenant = Tenant(name, settings, engine)
    before = span(groups, engine, start_ms)
    with asking(config.clickhouse) as ask:
        own = {each.rule.name for group in groups for each in group.rules if not each.rule.is_alert}
        panes = cells(ask, name, names(tenant), before.read_ms, end_ms + 1, resolution(config.windows), own)
        fired = firings(replay(tenant, panes, before.evaluate_ms, end_ms, step_ms), start_ms)
    return fired, engine.errors


def _as_json(fired: list[Firing], found: list[Summary], start_ms: int, end_ms: int) -> dict[str, Any]:
    return {
        "from": instant(start_ms),
        "to": instant(end_ms),
        "rules": [msgspec.to_builtins(each) for each in found],
        "firings": [
            {
                **{name: getattr(each, name) for name in ("rule", "group", "labels", "annotations", "value")},
                "active_at": instant(each.active_at_ms),
                "fired_at": instant(each.fired_at_ms),
                "resolved_at": instant(each.resolved_at_ms) if each.resolved_at_ms else None,
                "duration_ms": each.lasted_ms(end_ms),
            }
            for each in fired
        ],
    }


def _show(fired: list[Firing], found: list[Summary], end_ms: int) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("fired", "for", "rule", "labels", "value"):
        table.add_column(title, overflow="fold")
    for each in fired:
        lasted = duration_text(each.lasted_ms(end_ms)) + ("" if each.resolved_at_ms else ", still firing")
        labels = {name: value for name, value in each.labels.items() if name != "alertname"}
        cells_ = (instant(each.fired_at_ms), lasted, each.rule, labels_text(labels), f"{each.value:g}")
        table.add_row(*(Text(cell) for cell in cells_))
    summary = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("rule", "fired", "total", "flaps", "group", "error"):
        summary.add_column(title, overflow="fold")
    for one in found:
        numbers = (str(one.fired), duration_text(one.duration_ms), str(one.flaps))
        summary.add_row(*(Text(cell) for cell in (one.rule, *numbers, one.group, one.error)))
    console = Console(width=None if click.get_text_stream("stdout").isatty() else 1_000_000, highlight=False)
    if fired:
        console.print(table)
        console.print()
    console.print(summary)
