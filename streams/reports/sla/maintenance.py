"""The maintenance of a period: when, of what, and who declared it when."""

from schemas.slo import Maintenance
from streams.reports.document import Column, Row, Section, Table
from streams.reports.sla.scope import MINUTE_MS, Scope
from streams.slo.maintenance import stretches

_COLUMNS = (
    Column(name="from", unit="time"),
    Column(name="to", unit="time"),
    Column(name="length", unit="min"),
    Column(name="what"),
    Column(name="services"),
    Column(name="declared by"),
    Column(name="declared at"),
)


def section(scope: Scope) -> Section:
    """What was left out of every figure but completeness."""
    first, last = scope.minutes
    rows = [
        Row(
            cells=(
                *(start * MINUTE_MS, end * MINUTE_MS, end - start, each.name, ", ".join(each.services) or "all"),
                *(each.declared_by or "not said", each.declared_at or "not said"),
            )
        )
        for each in scope.maintenance
        if _concerns(each, scope)
        for start, end in stretches([each], next(iter(each.services), ""), first, last)
    ]
    return Section(
        title="Maintenance",
        tables=(
            Table(
                title="Time that does not count",
                columns=_COLUMNS,
                rows=tuple(sorted(rows, key=lambda row: str(row.cells[0]))),
                none="No maintenance was declared.",
            ),
        ),
    )


def _concerns(each: Maintenance, scope: Scope) -> bool:
    return not scope.services or not each.services or bool(set(scope.services) & set(each.services))
