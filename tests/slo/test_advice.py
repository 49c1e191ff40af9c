"""What loads and is probably not meant is remarked, and nothing else is."""

from fractions import Fraction
from typing import Any

import pytest

from schemas.slo import Condition, Rolling, Slices, Source, Threshold
from streams.slo.advice import advice
from streams.slo.files import read_objectives
from tests.slo.objectives import PLACE, objective
from tests.slo.test_howto import FILES

LITERAL = Condition(name="fast", severity="page", op="lte", threshold=Fraction(2), lookback_minutes=60, place=PLACE)
SEARCH = Threshold(source=Source(series=("took_seconds",), place=PLACE), op="lte", value=0.3)


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"conditions": (LITERAL,)}, "condition 'fast' alerts while the budget of availability does not burn"),
        ({"indicator": SEARCH, "burn_rates": "google"}, "0.3 is no bucket that PromQL sees"),
        ({"burn_rates": ""}, "availability has no alerts"),
        (
            {"burn_rates": "google", "method": Slices(minutes=1, op="lt", target=Fraction(1, 2))},
            "slices of availability are good when little in them is good",
        ),
        ({"burn_rates": "google", "window": Rolling(60)}, "availability has a short window and no minimum of events"),
    ],
)
def test_it_is_remarked(changes: dict[str, Any], remark: str) -> None:
    (found,) = advice([objective(**{"window": Rolling(43_200), **changes})])

    assert found.text.startswith(remark)
    assert found.fix


def test_the_files_of_the_page_have_no_remarks() -> None:
    for text in FILES:
        assert not advice(read_objectives({"f.yml": text}).objectives)
