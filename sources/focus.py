"""Bills in FOCUS, the FinOps Open Cost and Usage Specification 1.0 (https://focus.finops.org), as CSV.

A charge becomes a counter event of the service that it is for: ``cost.billed_total``, or ``cost.credits_total`` for one
below zero (a credit, a refund, a correction), so that what was billed less what was credited is the invoice. It counts
from the beginning of its charge period. Charges of nothing are left out.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from schemas.events import Metric, MetricEvent
from schemas.failures import Rejected
from sources import Options

NAME = "focus"
DESCRIPTION = "A CSV of FOCUS 1.0 becomes counters of what was billed per service, with its component and currency."

_NEEDED = ("BilledCost", "BillingCurrency", "ChargePeriodStart", "ServiceName")

_LABELS = {
    "component": "ServiceCategory",
    "currency": "BillingCurrency",
    "category": "ChargeCategory",
    "provider": "ProviderName",
    "region": "RegionId",
    "account": "SubAccountName",
}
"""Label -> column."""


def detect(name: str, first: bytes) -> bool:
    """The header has FOCUS' names."""
    header = first.split(b"\n", 1)[0].decode(errors="replace")
    return all(column in header for column in _NEEDED)


def events(lines: Iterable[bytes], options: Options) -> Iterator[MetricEvent]:
    """In the order of time, which bills do not keep. Raises ``Rejected`` with the line number for what is no charge."""
    rows = csv.DictReader(line.decode("utf-8-sig") for line in lines)
    found = []
    for row in rows:
        try:
            event = _event(row, options.name, rows.line_num)
        except (ValueError, KeyError, TypeError):
            raise Rejected(f"{options.name}, line {rows.line_num}: not a charge of FOCUS 1.0") from None
        if event is not None:
            found.append(event)
    yield from sorted(found, key=lambda event: event.time)


def _event(row: dict[str, str], name: str, line: int) -> MetricEvent | None:
    cost = float(row["BilledCost"])
    if not cost:
        return None
    moment = datetime.fromisoformat(row["ChargePeriodStart"])
    labels = {label: row[column] for label, column in _LABELS.items() if row.get(column) not in (None, "", "NULL")}
    return MetricEvent(
        specversion="1.0",
        id=f"{name}-{line}",
        source=f"/focus/{name}",
        time=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
        data=Metric(
            service=row["ServiceName"],
            name="cost.billed_total" if cost > 0 else "cost.credits_total",
            kind="counter",
            value=abs(cost),
            unit=row["BillingCurrency"],
            labels=labels,
        ),
    )
