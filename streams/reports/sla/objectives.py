"""The objectives of a period: promised, achieved, what it cost of the budget, and when it went wrong."""

from collections.abc import Iterator, Sequence

from schemas.slo import Objective, Occurrences, RatioSlices, Slices
from streams.reports.asking import Ask, between, listed
from streams.reports.document import Chart, Column, Figure, Line, Row, Section, Table
from streams.reports.sla.alerts import Fired, names
from streams.reports.sla.kept import Kept, courses, kept
from streams.reports.sla.scope import MINUTE_MS, Scope
from streams.reports.sla.services import tone, worst_minutes
from streams.stored.sql import text

_MOST_LINES = 6
_MOST_WORST = 20

_COLUMNS = (
    Column(name="service"),
    Column(name="objective"),
    Column(name="target", unit="%"),
    Column(name="achieved", unit="%"),
    Column(name="change", unit="change"),
    Column(name="budget used", unit="%"),
    Column(name="downtime", unit="min"),
    Column(name="no data", unit="min"),
    Column(name="excluded", unit="min"),
    Column(name="state"),
)
_WORST_COLUMNS = (
    Column(name="service"),
    Column(name="objective"),
    Column(name="from", unit="time"),
    Column(name="to", unit="time"),
    Column(name="achieved", unit="%"),
    Column(name="budget used", unit="%"),
    Column(name="alerts"),
)


def queries(scope: Scope, objectives: Sequence[Objective]) -> dict[str, str]:
    """Name -> SQL, one for each way to count."""
    found: dict[str, list[Objective]] = {}
    for each in objectives:
        if not scope.services or each.service in scope.services:
            found.setdefault(_query_name(each), []).append(each)
    return {name: _question(scope, of) for name, of in found.items()}


def section(
    ask: Ask, scope: Scope, before: Scope, objectives: Sequence[Objective], alerts: Sequence[Fired]
) -> tuple[Section, list[Kept]]:
    """The section, and what came of each objective."""
    found = list(kept(ask, scope, before, objectives, worst_minutes(scope)))
    found.sort(key=lambda one: (-(one.used if one.used is not None else -1.0), one.objective.name))
    query = _query_name(found[0].objective) if found else ""
    table = Table(
        title="Objectives",
        columns=_COLUMNS,
        rows=tuple(_row(one) for one in found),
        none="No objective is configured.",
        note="Counted over this period, whatever the objective's own window is. Change: against the period before, in "
        "percentage points. Downtime: minutes, or minutes of "
        "slices, that were below the target by themselves. Excluded: maintenance, and silence where the objective "
        "says so.",
        query=query,
    )
    text_of_section = "What was promised, and what came of it." if found else ""
    return (
        Section(
            title="Objectives",
            text=text_of_section,
            figures=_figures(found, query),
            charts=_charts(ask, found, scope, query),
            tables=(table, _worst_table(found, alerts)) if found else (table,),
        ),
        found,
    )


def _row(one: Kept) -> Row:
    objective, observed = one.objective, one.budget.observed
    change = None if one.achieved is None or one.before is None else one.achieved - one.before
    state = {None: one.budget.state, True: "met", False: "missed"}[one.is_met]
    return Row(
        cells=(
            *(objective.service, objective.name, float(100 * objective.target), one.achieved, change, one.used),
            *(one.down, observed.missing, observed.excluded, state),
        ),
        tone=tone(one.is_met) or "warning",
    )


def _figures(found: Sequence[Kept], query: str) -> tuple[Figure, ...]:
    judged = [one for one in found if one.is_met is not None]
    if not found:
        return ()
    met = sum(bool(one.is_met) for one in judged)
    unknown = len(found) - len(judged)
    figures = [
        Figure(
            name="Objectives met",
            value=met,
            note=f"of {len(judged)}" + (f", and {unknown} without enough data" if unknown else ""),
            tone="good" if met == len(judged) and not unknown else "bad" if met < len(judged) else "warning",
            query=query,
        )
    ]
    if judged:
        worst = max(judged, key=lambda one: one.used or 0)
        name = worst.objective.name
        figures += [
            Figure(
                name="Most budget used", value=worst.used, unit="%", tone=tone(worst.is_met), note=name, query=query
            ),
            Figure(name="Its downtime", value=worst.down, unit="min", note=name, query=query),
        ]
    return tuple(figures)


def _charts(ask: Ask, found: Sequence[Kept], scope: Scope, query: str) -> tuple[Chart, ...]:
    shown = [one for one in found if one.used][:_MOST_LINES]
    if not shown:
        return ()
    first, last = scope.minutes
    times = range(first, last + 1, scope.step_minutes(100))
    lines = tuple(Line(name=one.objective.name, values=left) for one, left in courses(ask, scope, shown, times))
    more = f"The {_MOST_LINES} objectives that used the most of it." if len(found) > _MOST_LINES else ""
    return (
        Chart(
            title="Error budget of the period that was left",
            unit="%",
            times_ms=tuple(at * MINUTE_MS for at in times),
            lines=lines,
            spans=scope.spans(),
            note=more,
            query=query,
        ),
    )


def _worst_table(found: Sequence[Kept], alerts: Sequence[Fired]) -> Table:
    worst = [(each, one.objective) for one in found for each in one.worst]
    worst.sort(key=lambda pair: (-pair[0].used, pair[1].name, pair[0].start))
    return Table(
        title="Worst windows",
        columns=_WORST_COLUMNS,
        rows=tuple(
            Row(
                cells=(
                    *(of.service, of.name, each.start * MINUTE_MS, each.end * MINUTE_MS, each.achieved, each.used),
                    names(alerts, of.service, of.name, each.start * MINUTE_MS, each.end * MINUTE_MS),
                )
            )
            for each, of in worst[:_MOST_WORST]
        ),
        none="Nothing used any of a budget.",
        query=_query_name(found[0].objective) if found else "",
    )


def _query_name(objective: Objective) -> str:
    method = objective.method
    if isinstance(method, Slices):
        return f"objectives by slices ({method.op})"
    return "objectives by mean ratio of slices" if isinstance(method, RatioSlices) else "objectives by events"


def _question(scope: Scope, objectives: Sequence[Objective]) -> str:
    """The SQL that gives the same; where silence is a breach, its minutes come on top."""
    method = objectives[0].method
    columns = "objective,\n    service"
    if isinstance(method, Occurrences):
        return (
            f"SELECT\n    {columns},\n    sum(toInt128(m.bad)) / 1e9 AS bad,\n"
            "    sum(toInt128(m.total)) / 1e9 AS total,\n"
            "    100 * (1 - bad / nullIf(total, 0)) AS achieved_percent,\n    count() AS minutes\n"
            f"{_minutes(scope, objectives)}\nGROUP BY objective, service\nORDER BY service, objective"
        )
    inner = (
        "    SELECT\n        objective,\n        service,\n"
        "        1 - sum(m.bad) / nullIf(sum(m.total), 0) AS good\n    "
        f"{_minutes(scope, objectives).replace(chr(10), chr(10) + '    ')}\n"
        f"    GROUP BY objective, service, intDiv(toUnixTimestamp(minute), 60 * {_slices(objectives)})"
    )
    share = "avg(good)"
    if isinstance(method, Slices):
        signs = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
        share = f"avg(good {signs[method.op]} {_of(objectives, [float(_target(each)) for each in objectives])})"
    return (
        f"SELECT\n    {columns},\n    count() AS slices,\n    100 * {share} AS achieved_percent\n"
        f"FROM\n(\n{inner}\n)\nGROUP BY objective, service\nORDER BY service, objective"
    )


def _minutes(scope: Scope, objectives: Sequence[Objective]) -> str:
    return (
        f"FROM objective_minutes AS m FINAL\nWHERE tenant = {text(scope.tenant)}\n"
        f"    AND objective IN {listed([each.name for each in objectives])}\n"
        f"    AND {between('minute', scope.period.start_ms, scope.period.end_ms)}{scope.outside_maintenance('minute')}"
    )


def _target(objective: Objective) -> float:
    assert isinstance(objective.method, Slices)
    return float(objective.method.target)


def _slices(objectives: Sequence[Objective]) -> str:
    return _of(objectives, [each.method.minutes for each in objectives if not isinstance(each.method, Occurrences)])


def _of(objectives: Sequence[Objective], values: Sequence[object]) -> str:
    """What belongs to the objective of a row."""
    if len(set(values)) == 1:
        return repr(values[0])
    return f"transform(objective, [{', '.join(_literals(objectives))}], [{', '.join(map(repr, values))}])"


def _literals(objectives: Sequence[Objective]) -> Iterator[str]:
    return (text(each.name) for each in objectives)
