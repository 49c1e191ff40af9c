"""The report on costs, out of what ClickHouse holds."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from streams.cost.advice import FULL_PERCENT, MARGIN, Advice, Spend, advise
from streams.cost.questions import BUDGETS, COURSE, SPENT, TAKEN, USED, Asked, spends, utilisations
from streams.reports.asking import Ask, rows
from streams.reports.document import Chart, Column, Figure, Line, Period, Report, Row, Section, Table, Tone
from streams.reports.numbers import written
from streams.reports.period import previous

BUDGET_MS = 30 * 86_400_000
"""What a budget, the gauge ``cost.budget``, is for: 30 days."""

Amounts = dict[tuple[str, str, str], float]
"""By service, component and currency."""

_MOST_LINES = 6
_MILLION, _GIB = 1_000_000, 2**30

_ACTIONS = {
    "scale_down_nodes": "run fewer nodes",
    "right_size_memory": "give it less memory",
    "auto_scale": f"scale with the load, at {FULL_PERCENT:g} %",
}


class Prices(NamedTuple):
    """What the pipeline itself costs."""

    per_million_events: float = 0.0
    per_gib: float = 0.0
    currency: str = "USD"


def cost_report(ask: Ask, asked: Asked, prices: Prices, made_at_ms: int, made_by: str) -> Report:
    """Raises what asking raises."""
    found, before = spends(ask, asked), spends(ask, _before(asked))
    advice = advise(found, utilisations(ask, asked))
    return Report(
        kind="cost",
        title="Costs",
        tenant=asked.tenant,
        period=asked.period,
        made_at_ms=made_at_ms,
        made_by=made_by,
        summary=_summary(found, advice),
        sections=(
            _costs(found, before, rows(ask, asked.queries()[COURSE]), asked),
            _budgets(found, rows(ask, asked.queries()[BUDGETS]), asked.period),
            _savings(advice),
            _pipeline(rows(ask, asked.queries()[TAKEN])[0], prices),
        ),
        queries=asked.queries(),
    )


def _before(asked: Asked) -> Asked:
    return Asked(asked.tenant, previous(asked.period), [asked.window_s])


def _summary(found: Sequence[Spend], advice: Sequence[Advice]) -> str:
    totals = total(found)
    if not totals:
        return "No costs were counted in this period."
    spent = " and ".join(written(amount, currency) for currency, amount in totals.items())
    saving: dict[str, float] = {}
    for each in advice:
        saving[each.currency] = saving.get(each.currency, 0.0) + each.saving
    saved = " and ".join(written(amount, currency) for currency, amount in saving.items())
    return f"{spent} were spent." + (f" About {saved} of it could be saved." if saved else "")


def total(found: Iterable[Spend]) -> dict[str, float]:
    """By currency."""
    totals: dict[str, float] = {}
    for spend in found:
        totals[spend.currency] = totals.get(spend.currency, 0.0) + spend.amount
    return totals


def _costs(found: Sequence[Spend], before: Sequence[Spend], course: list[dict[str, Any]], asked: Asked) -> Section:
    currencies = sorted(total(found)) or [""]
    return Section(
        title="Costs",
        text="Sums of the counters cost.* as they were published, credits deducted.",
        figures=tuple(
            Figure(name=f"Spent, {currency}", value=amount, unit=currency, query=SPENT)
            for currency, amount in total(found).items()
        ),
        charts=_charts(course, asked),
        tables=tuple(_of_currency(currency, _by_component(found), _by_component(before)) for currency in currencies),
    )


def _of_currency(currency: str, found: Amounts, before: Amounts) -> Table:
    costs = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return Table(
        title=_title("By service and component", currency),
        columns=(
            *(Column(name="service"), Column(name="component"), Column(name="cost", unit=currency)),
            *(Column(name="before", unit=currency), Column(name="change", unit="%")),
        ),
        rows=tuple(
            Row(cells=(key[0], key[1], amount, before.get(key), _change(amount, before.get(key))))
            for key, amount in costs
            if key[2] == currency
        ),
        none="No counter whose name begins with cost. was published.",
        query=SPENT,
    )


def _title(text: str, currency: str) -> str:
    return f"{text}, {currency}" if currency else text


def _by_component(found: Iterable[Spend]) -> Amounts:
    amounts: Amounts = {}
    for spend in found:
        key = (spend.service, spend.component, spend.currency)
        amounts[key] = amounts.get(key, 0.0) + spend.amount
    return amounts


def _change(amount: float, before: float | None) -> float | None:
    return 100 * (amount - before) / before if before else None


def _charts(course: Sequence[dict[str, Any]], asked: Asked) -> tuple[Chart, ...]:
    step, start = asked.step_ms, asked.period.start_ms
    times = tuple(range(start // step * step, asked.period.end_ms, step))
    charts = []
    for currency in sorted({row["currency"] for row in course}):
        amounts: dict[str, dict[int, float]] = {}
        for row in course:
            if row["currency"] == currency:
                amounts.setdefault(row["service"], {})[row["at_ms"]] = row["amount"]
        dearest = sorted(amounts, key=lambda service: -sum(amounts[service].values()))[:_MOST_LINES]
        charts.append(
            Chart(
                title=f"Cost per {'hour' if step == 3_600_000 else 'day'}, {currency or 'USD'}",
                unit=currency or "USD",
                times_ms=tuple(max(at, start) for at in times),
                lines=tuple(
                    Line(name=service, values=tuple(amounts[service].get(at, 0.0) for at in times))
                    for service in sorted(dearest)
                ),
                note=f"The {_MOST_LINES} dearest services." if len(amounts) > _MOST_LINES else "",
                query=COURSE,
            )
        )
    return tuple(charts)


def _budgets(found: Sequence[Spend], budgets: Sequence[dict[str, Any]], period: Period) -> Section:
    spent: dict[tuple[str, str], float] = {}
    for spend in found:
        spent[spend.service, spend.currency] = spent.get((spend.service, spend.currency), 0.0) + spend.amount
    share = (period.end_ms - period.start_ms) / BUDGET_MS
    listed: dict[str, list[Row]] = {}
    for row in budgets:
        currency = row["currency"] or "USD"
        amount, allowed = spent.get((row["service"], currency), 0.0), row["budget"] * share
        used = 100 * amount / allowed if allowed else None
        tone: Tone = "" if used is None else "good" if used <= 100 else "bad"
        listed.setdefault(currency, []).append(
            Row(cells=(row["service"], row["budget"], allowed, amount, used), tone=tone)
        )
    return Section(
        title="Budgets",
        text="Of the gauge cost.budget: what a service may cost in 30 days, and its share of this period.",
        tables=tuple(
            Table(
                title=_title("Budgets", currency),
                columns=(
                    *(Column(name="service"), Column(name="budget of 30 days", unit=currency)),
                    *(Column(name="of this period", unit=currency), Column(name="spent", unit=currency)),
                    Column(name="used", unit="%"),
                ),
                rows=tuple(listed.get(currency, ())),
                none="No service has a budget.",
                query=BUDGETS,
            )
            for currency in sorted(listed) or [""]
        ),
    )


def _savings(advice: Sequence[Advice]) -> Section:
    currencies = sorted({each.currency for each in advice}) or [""]
    return Section(
        title="Recommendations",
        tables=tuple(_saved([each for each in advice if each.currency == one], one) for one in currencies),
    )


def _saved(advice: Sequence[Advice], currency: str) -> Table:
    return Table(
        title=_title("What could be saved", currency),
        columns=(
            *(Column(name="service"), Column(name="recommendation"), Column(name="that is")),
            *(Column(name="typical use", unit="%"), Column(name="95 % of the time below", unit="%")),
            *(Column(name="99 % of the time below", unit="%"), Column(name="peak", unit="%")),
            *(Column(name="hours seen"), Column(name="enough", unit="%")),
            *(Column(name="cost", unit=currency), Column(name="saving", unit=currency)),
        ),
        rows=tuple(
            Row(
                cells=(
                    *(each.service, each.action, _ACTIONS[each.action]),
                    *(each.utilisation.p50, each.utilisation.p95, each.utilisation.p99, each.utilisation.peak),
                    *(each.utilisation.hours, 100 * each.share, each.cost, each.saving),
                )
            )
            for each in advice
        ),
        none="Nothing. It is told from costs of CPU and memory beside a day or more of cpu_usage_percent, "
        "memory_usage_bytes and memory_total_bytes.",
        note=f"Enough: the use that was not exceeded 95 % of the time (memory: 99 %), and {MARGIN - 1:.0%} more, at "
        f"{FULL_PERCENT:g} % of the capacity. A saving is that share of the cost; prices may come in steps.",
        query=USED,
    )


def _pipeline(taken: dict[str, Any], prices: Prices) -> Section:
    events, size = taken["events"], taken["bytes"] or 0.0
    figures = [
        Figure(name="Events taken in", value=events, query=TAKEN),
        Figure(
            name="Stored", value=size / _GIB, unit="GiB", note="its share of the raw tables, compressed", query=TAKEN
        ),
    ]
    if prices.per_million_events or prices.per_gib:
        cost = events / _MILLION * prices.per_million_events + size / _GIB * prices.per_gib
        note = f"{prices.per_million_events:g} a million events, {prices.per_gib:g} a GiB"
        figures.append(Figure(name="Costs of the pipeline", value=cost, unit=prices.currency, note=note, query=TAKEN))
    return Section(title="The pipeline itself", figures=tuple(figures))
