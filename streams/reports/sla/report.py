"""The whole report on service levels, out of what ClickHouse holds."""

from collections.abc import Sequence

import msgspec

from schemas.sla import Sla
from schemas.slo import Objective
from streams.reports.asking import Ask
from streams.reports.document import Period, Report
from streams.reports.numbers import written
from streams.reports.period import previous
from streams.reports.sla import alerts, completeness, maintenance, objectives, services
from streams.reports.sla.kept import Kept
from streams.reports.sla.scope import MINUTE_MS, Scope


def sla_report(
    ask: Ask, scope: Scope, promised: Sequence[Objective], sla: Sla, made_at_ms: int, made_by: str
) -> Report:
    """Raises what asking raises."""
    is_over = scope.period.end_ms <= made_at_ms
    scope = scope if is_over else _until(scope, made_at_ms // MINUTE_MS * MINUTE_MS)
    before = msgspec.structs.replace(scope, period=_before(scope.period, is_over))
    fired = alerts.fired(ask, scope)
    of_objectives, found = objectives.section(ask, scope, before, promised, fired)
    of_services, levels = services.section(ask, scope, before, sla, fired)
    of_completeness, complete = completeness.section(ask, scope)
    notes = () if is_over else ("The period is not over: this is what is known until now.",)
    return Report(
        kind="sla",
        title="Service levels",
        tenant=scope.tenant,
        period=scope.period,
        made_at_ms=made_at_ms,
        made_by=made_by,
        summary=_summary(found, [bool(row["met"]) for row in levels if row["met"] is not None], complete),
        sections=(
            *((msgspec.structs.replace(of_objectives, notes=notes),) if found or not levels else ()),
            of_services if found else msgspec.structs.replace(of_services, notes=notes),
            maintenance.section(scope),
            of_completeness,
        ),
        queries={
            **objectives.queries(scope, promised),
            **services.queries(scope),
            "alerts": alerts.question(scope),
            **completeness.queries(scope),
        },
    )


def _until(scope: Scope, end_ms: int) -> Scope:
    period = msgspec.structs.replace(scope.period, end_ms=max(end_ms, scope.period.start_ms + MINUTE_MS))
    return msgspec.structs.replace(scope, period=period)


def _before(period: Period, is_over: bool) -> Period:
    """A period that is not over is compared with the same length before it."""
    return previous(period if is_over else msgspec.structs.replace(period, name=""))


def _summary(found: Sequence[Kept], levels: Sequence[bool], complete: float | None) -> str:
    sentences = []
    judged = [one for one in found if one.is_met is not None]
    if judged:
        met = sum(bool(one.is_met) for one in judged)
        sentences.append(f"{met} of {len(judged)} objectives were met.")
    if levels and not judged:
        sentences.append(f"{sum(levels)} of {len(levels)} services met their availability target.")
    if not sentences:
        sentences.append("Nothing was counted in this period.")
    if complete is not None:
        sentences.append(f"The data is {written(complete, '%')} complete.")
    return " ".join(sentences)
