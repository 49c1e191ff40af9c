"""Bills in FOCUS: what was billed less what was credited is the invoice."""

import csv
from io import StringIO
from itertools import pairwise

import pytest

from schemas import cloudevents
from schemas.events import MetricEvent
from schemas.failures import Rejected
from sources import Options, focus

COLUMNS = ("BilledCost", "BillingCurrency", "ChargePeriodStart", "ServiceName", "ServiceCategory", "RegionId", "Tags")
CHARGES = [
    ("1.25", "USD", "2024-09-18 22:00:00", "Amazon EC2", "Compute", "us-west-2", "NULL"),
    ("-0.5", "USD", "2024-09-30 22:00:00", "Amazon EC2", "Compute", "NULL", "NULL"),
    ("0.00000000000", "USD", "2024-09-01 22:00:00", "Amazon EC2", "Compute", "us-west-2", "NULL"),
    ("0.75", "USD", "2024-09-01 00:00:00Z", "Amazon S3", "Storage", "us-west-2", '{"env": "prod"}'),
]


def bill(*charges: tuple[str, ...]) -> list[bytes]:
    """As a provider writes it."""
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *charges])
    return text.getvalue().encode().splitlines(keepends=True)


def read(*charges: tuple[str, ...]) -> list[MetricEvent]:
    return list(focus.events(bill(*charges), Options(name="bill.csv")))


def test_it_is_recognised_by_its_header() -> None:
    assert focus.detect("any.csv", bill()[0])
    assert not focus.detect("any.csv", b"timestamp,value\n")


def test_a_charge_is_a_counter_of_its_service_in_the_order_of_time() -> None:
    """Bills are in none. Charges of nothing are left out."""
    events = read(*CHARGES)
    assert [(event.data.service, event.data.name, event.data.value) for event in events] == [
        ("Amazon S3", "cost.billed_total", 0.75),
        ("Amazon EC2", "cost.billed_total", 1.25),
        ("Amazon EC2", "cost.credits_total", 0.5),
    ]
    assert all(before.time <= after.time for before, after in pairwise(events))
    assert events[1].data.labels == {"component": "Compute", "currency": "USD", "region": "us-west-2"}
    assert "region" not in events[2].data.labels


def test_a_worker_takes_them() -> None:
    for event in read(*CHARGES):
        assert cloudevents.decode(cloudevents.encode(event)) == event


@pytest.mark.parametrize("wrong", [("much", *CHARGES[0][1:]), ("1.0", "USD", "September", *CHARGES[0][3:]), ("1.0",)])
def test_a_row_that_is_no_charge_is_named(wrong: tuple[str, ...]) -> None:
    with pytest.raises(Rejected, match=r"bill\.csv, line 3: not a charge of FOCUS"):
        read(CHARGES[0], wrong)
