"""``tidewatch report cost``: what services cost, beside their budgets, and what could be saved."""

import click

from streams.cli._clickhouse import asking, sentences
from streams.cli._reports import MADE_BY, now_ms, period_option, report_options, write
from streams.config import load
from streams.cost.questions import Asked
from streams.cost.report import Prices, cost_report

_Price = click.FloatRange(min=0)


@click.command(short_help="What services cost, and what could be saved.")
@report_options
@click.option("--per-million-events", type=_Price, default=0.0, help="What the pipeline costs for a million events.")
@click.option("--per-gib", type=_Price, default=0.0, help="What the pipeline costs for a GiB stored.")
@click.option("--currency", default="USD", show_default=True, help="Of these two prices.")
def command(
    path: str | None,
    period_text: str,
    zone: str,
    tenant: str,
    format_: str | None,
    output: str | None,
    per_million_events: float,
    per_gib: float,
    currency: str,
) -> None:
    """What services cost over a period, beside their budgets, and what could be saved.

    Costs are the counters whose names begin with cost., such as cost.cpu_total with the labels component and currency;
    `tidewatch replay` makes them of bills in the FOCUS format. A budget is the gauge cost.budget: what a service may
    cost in 30 days. What could be saved is told from how much of CPU and memory was in use.
    """
    made_ms = now_ms()
    period = period_option(period_text, zone, made_ms)
    with sentences():
        config = load(path)
        asked = Asked(tenant, period, config.windows.sizes)
        with asking(config.clickhouse) as ask:
            report = cost_report(ask, asked, Prices(per_million_events, per_gib, currency), made_ms, MADE_BY)
        write(report, format_, output)
