"""Objectives as Prometheus recording and alert rules that mean the same, named as Sloth names them.

Prometheus has no windows of a calendar, no maintenance and no sketches: the period of a calendar window is left out,
and a bound of a latency has to be a bucket of the histogram.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.slo import Condition, Objective, Rolling
from streams.slo.burnrates import BurnRate, shipped
from streams.slo.ratios import OPS, SLICE, decimal_text, error_ratio, of, slice_of, sum_of, text, total_of

CURRENT = 5
"""Minutes of ``slo:current_burn_rate:ratio``."""


def rules(objectives: Iterable[Objective]) -> dict[str, Any]:
    """A rule file, ready to be written as YAML."""
    return {"groups": [_group(objective) for objective in objectives]}


def _group(objective: Objective) -> dict[str, Any]:
    period = objective.window.minutes
    rates = shipped(objective.burn_rates).scaled(period, objective.severities) if objective.burn_rates else []
    lookbacks = {CURRENT, *(lookback for rate in rates for lookback in (rate.short, rate.long))}
    lookbacks |= {condition.lookback_minutes for condition in objective.conditions}
    is_rolling = isinstance(objective.window, Rolling)
    if is_rolling:
        lookbacks.add(period)
    sliced = slice_of(objective)
    recorded = [_record(SLICE, sliced[1], objective)] if sliced is not None else []
    recorded += [
        _record(f"slo:sli_error:ratio_rate{text(m)}", error_ratio(objective, m), objective) for m in sorted(lookbacks)
    ]
    budget = decimal_text(1 - objective.target)
    recorded += [
        _record("slo:objective:ratio", f"vector({decimal_text(objective.target)})", objective),
        _record("slo:error_budget:ratio", f"vector({budget})", objective),
        _record("slo:current_burn_rate:ratio", f"{_recorded(objective, CURRENT)} / {budget}", objective),
    ]
    if is_rolling:
        burnt = f"{_recorded(objective, period)} / {budget}"
        recorded.append(_record("slo:period_burn_rate:ratio", burnt, objective))
        recorded.append(_record("slo:period_error_budget_remaining:ratio", f"1 - {burnt}", objective))
    return {"name": f"slo:{objective.name}", "interval": "1m", "rules": [*recorded, *_alerts(objective, rates)]}


def _record(name: str, expr: str, objective: Objective) -> dict[str, Any]:
    return {"record": name, "expr": expr, "labels": {"objective": objective.name, "service": objective.service}}


def _recorded(objective: Objective, minutes: int) -> str:
    return f"slo:sli_error:ratio_rate{text(minutes)}{of(objective)}"


def _alerts(objective: Objective, rates: Sequence[BurnRate]) -> list[dict[str, Any]]:
    budget = decimal_text(1 - objective.target)
    found = []
    for severity in dict.fromkeys(rate.severity for rate in rates):
        own = [rate for rate in rates if rate.severity == severity]
        expr = " or ".join(f"({_both(objective, rate, budget)})" for rate in own)
        windows = " or ".join(f"over {text(rate.short)} and {text(rate.long)}" for rate in own)
        found.append(_alert(objective, "BurnRate", severity, expr, windows))
    found += [_of_condition(objective, condition, budget) for condition in objective.conditions]
    total = total_of(objective.indicator)
    if objective.no_data.means == "breach" and total is not None:
        expr = f"absent({sum_of(total, objective.no_data.after_minutes, 'rate')})"
        found.append(_alert(objective, "NoData", "page", expr, ""))
    return found


def _both(objective: Objective, rate: BurnRate, budget: str) -> str:
    limit = f"({decimal_text(rate.factor)} * {budget})"
    return " and ".join(f"{_recorded(objective, minutes)} > {limit}" for minutes in (rate.short, rate.long))


def _of_condition(objective: Objective, condition: Condition, budget: str) -> dict[str, Any]:
    limit = f"({decimal_text(condition.threshold)} * {budget})"
    expr = f"{_recorded(objective, condition.lookback_minutes)} {OPS[condition.op]} {limit}"
    alert = _alert(objective, condition.name, condition.severity, expr, f"over {text(condition.lookback_minutes)}")
    return {**alert, "for": text(condition.after_minutes)} if condition.after_minutes else alert


def _alert(objective: Objective, name: str, severity: str, expr: str, windows: str) -> dict[str, Any]:
    summary = f"{objective.name} burns its error budget {windows}" if windows else f"{objective.name} has no data"
    labels = {
        **plain_labels(objective.labels),
        "severity": severity,
        "objective": objective.name,
        "service": objective.service,
    }
    return {"alert": name, "expr": expr, "labels": labels, "annotations": {"summary": summary}}


def plain_labels(labels: dict[str, str]) -> dict[str, str]:
    """Names that Prometheus takes, and values without the marks of its templates."""
    return {
        "".join(c if c.isascii() and c.isalnum() else "_" for c in name): value.replace("{{", "{ {")
        for name, value in labels.items()
        if not name[:1].isdigit()
    }
