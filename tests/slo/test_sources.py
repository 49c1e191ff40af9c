"""Selectors, queries and names are checked where they stand."""

import pytest

from streams.slo.files import read_objectives
from tests.slo.test_openslo import SLO

TOTAL = "series: requests_total}}}"


def mistakes(*texts: str) -> list[str]:
    return [str(problem) for problem in read_objectives({f"{n}.yml": text for n, text in enumerate(texts)}).problems]


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        ("series: 'rate(x[5m])'", "'rate(x[5m])' is not a selector of series"),
        ("series: 'x offset 5m'", "'x offset 5m' is not a selector of series"),
        ("series: [x, '{']", "1:2: unexpected end of the expression"),
        ("query: 'x[$window]'", "the query gives a matrix, not a number or numbers"),
        ("query: 'sum(increase(x[$window'", "1:18: unexpected end"),
    ],
)
def test_a_mistake_has_the_place_of_its_source(source: str, mistake: str) -> None:
    found = mistakes(SLO.replace(TOTAL, source + "}}}"))

    assert len(found) == 1
    assert found[0].startswith("0.yml:13:6")
    assert mistake in found[0]


def test_a_distribution_has_to_be_named() -> None:
    text = SLO[: SLO.index("      ratioMetric")] + (
        "      thresholdMetric: {metricSource: {type: kafka-stream, spec: {series: '{service=\"a\"}'}}}\n"
        "  timeWindow: [{duration: 30d, isRolling: true}]\n"
        "  budgetingMethod: Occurrences\n"
        "  objectives: [{op: lte, value: 0.1, target: 0.9}]\n"
    )

    assert mistakes(text) == [
        "0.yml:11:75: '{service=\"a\"}' names no histogram; write its name before the braces",
    ]


def test_names_are_unique_over_all_files() -> None:
    short = "services: {a: {uptime: 99%}}"

    assert mistakes(short, short) == ["1.yml:1:24: there is another objective 'a-uptime'; rename it"]


def test_burn_rates_that_are_not_there_are_named() -> None:
    found = mistakes("services: {a: {uptime: 99%, burn_rates: googel}}")

    assert found == ["0.yml:1:24: there are no burn rates 'googel'; known are google"]
