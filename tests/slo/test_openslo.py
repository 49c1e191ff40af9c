"""OpenSLO files: what is loaded, and what is refused with one sentence that names the field."""

from fractions import Fraction
from pathlib import Path

import pytest

from schemas.openslo import is_openslo, read_openslo
from schemas.slo import Calendar, NoData, Occurrences, Ratio, RatioSlices, Raw, Rolling, Slices, Threshold
from tests.e2e.data import needs_whole, whole

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout
  labels: {team: [shop, pay]}
spec:
  service: shop
  indicator:
    metadata: {name: requests}
    spec:
      ratioMetric:
        bad: {metricSource: {type: kafka-stream, spec: {series: 'requests_total{outcome="error"}'}}}
        total: {metricSource: {type: kafka-stream, spec: {series: requests_total}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
"""


def mistakes(text: str) -> list[str]:
    return [str(problem) for problem in read_openslo({"f.yml": text})[1]]


def test_a_ratio_over_rolling_days_is_read_exactly() -> None:
    (objective,), problems = read_openslo({"f.yml": SLO})

    assert not problems
    assert objective.target == Fraction(999, 1000)
    assert objective.window == Rolling(43_200)
    assert objective.method == Occurrences()
    assert isinstance(objective.indicator, Ratio)
    assert objective.indicator.bad is not None
    assert objective.indicator.bad.series == ('requests_total{outcome="error"}',)
    assert objective.labels == {"team": "shop,pay"}


def test_a_calendar_window_with_slices_is_read() -> None:
    text = SLO.replace(
        "{duration: 30d, isRolling: true}",
        "{duration: 1w, isRolling: false, calendar: {startTime: 2022-01-01 12:00:00, timeZone: America/New_York}}",
    ).replace("Occurrences", "Timeslices")
    text = text.replace("{target: 0.999}", "{op: gt, targetPercent: 99.95, timeSliceTarget: 0.95, timeSliceWindow: 5m}")

    (objective,), problems = read_openslo({"f.yml": text})

    assert not problems
    assert objective.window == Calendar(unit="w", anchor="2022-01-01 12:00:00", zone="America/New_York")
    assert objective.method == Slices(minutes=5, op="gt", target=Fraction(19, 20))
    assert objective.target == Fraction(9995, 10_000)


def test_documents_refer_to_one_another_across_files() -> None:
    """An SLI, an AlertPolicy, an AlertCondition and a DataSource may each be in a file of its own."""
    parts = {
        "slo.yml": """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: search}
spec:
  service: shop
  indicatorRef: latency
  timeWindow: [{duration: 2w, isRolling: true}]
  budgetingMethod: RatioTimeslices
  objectives: [{op: lt, value: 0.5, target: 0.99, timeSliceWindow: 1m}]
  alertPolicies: [{alertPolicyRef: fast}]
""",
        "rest.yml": """\
apiVersion: openslo/v1
kind: SLI
metadata: {name: latency}
spec: {thresholdMetric: {metricSource: {metricSourceRef: stream, spec: {series: request_duration_seconds}}}}
---
{apiVersion: openslo/v1, kind: DataSource, metadata: {name: stream}, spec: {type: kafka-stream}}
---
{apiVersion: openslo/v1, kind: Service, metadata: {name: shop}, spec: {description: Shop}}
---
{apiVersion: openslo/v1, kind: AlertPolicy, metadata: {name: fast}, spec: {conditions: [{conditionRef: burning}]}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burning}
spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}}
""",
    }

    (objective,), problems = read_openslo(parts)

    assert not problems
    assert isinstance(objective.indicator, Threshold)
    assert (objective.indicator.op, objective.indicator.value) == ("lt", 0.5)
    assert objective.method == RatioSlices(minutes=1)
    (condition,) = objective.conditions
    assert (condition.op, condition.threshold, condition.lookback_minutes, condition.after_minutes) == ("gte", 2, 60, 5)


def test_annotations_say_what_openslo_has_no_field_for() -> None:
    text = SLO.replace(
        "  name: checkout\n",
        "  name: checkout\n  annotations: {tidewatch/burn-rates: google, tidewatch/severities: page,"
        " tidewatch/minimum-events: '100', tidewatch/no-data: breach after 10m, team.example/x: y}\n",
    )

    (objective,), problems = read_openslo({"f.yml": text})

    assert not problems
    assert (objective.burn_rates, objective.severities, objective.minimum_events) == ("google", ("page",), 100)
    assert objective.no_data == NoData(means="breach", after_minutes=10)


def test_a_raw_ratio_is_read() -> None:
    start, end = SLO.index("        bad:"), SLO.index("  timeWindow")
    raw = "        raw: {metricSource: {type: kafka-stream, spec: {query: avg(ok)}}}\n        rawType: success\n"

    (objective,), problems = read_openslo({"f.yml": SLO[:start] + raw + SLO[end:]})

    assert not problems
    assert isinstance(objective.indicator, Raw)
    assert objective.indicator.kind == "success"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (
            "type: kafka-stream, spec: {series: requests_total}",
            "type: Any",
            "total.metricSource.type is 'Any'",
        ),
        ("openslo/v1", "openslo/v2alpha", "apiVersion 'openslo/v2alpha' is not supported"),
        ("kind: SLO", "kind: Objective", "kind 'Objective' is not supported"),
        ("service: shop", "service: shop\n  team: x", "unknown key 'team'"),
        ("{target: 0.999}", "{target: 0.999, compositeWeight: 1}", "unknown key 'compositeWeight'"),
        ("{target: 0.999}", "{target: 1.5}", "objectives.target is 1.5, not from 0 to below 1"),
        ("{target: 0.999}", "{}", "either target or targetPercent"),
        ("Occurrences", "Sometimes", "budgetingMethod is 'Sometimes'"),
        ("Occurrences", "Timeslices", "Timeslices needs timeSliceWindow"),
        ("duration: 30d", "duration: 1Y", "timeWindow.duration is not from 1h to 90d"),
        ("duration: 30d, isRolling: true", "duration: 30d", "neither rolling nor of a calendar"),
        ("  service: shop\n", "", "no spec.service"),
        ("labels:", "annotations: {tidewatch/burnrates: google}\n  labels:", "'tidewatch/burnrates' is not known"),
    ],
)
def test_what_is_not_supported_is_named_with_its_place_and_a_fix(old: str, new: str, mistake: str) -> None:
    assert old in SLO
    found = mistakes(SLO.replace(old, new, 1))

    assert any(mistake in line and line.startswith("f.yml:") and "; " in line for line in found), found


def test_a_month_written_as_minutes_is_refused_with_the_right_letter() -> None:
    text = SLO.replace(
        "{duration: 30d, isRolling: true}",
        "{duration: 1m, isRolling: false, calendar: {startTime: 2022-01-01, timeZone: UTC}}",
    )

    assert mistakes(text) == [
        "f.yml:14:27: timeWindow.duration '1m' is not of the calendar: days, weeks, M, Q or Y; write 1M for months"
    ]


@needs_whole
@pytest.mark.parametrize(
    "file",
    [file for folder in whole("rules/openslo/examples") for file in sorted(folder.rglob("*.yaml"))],
    ids=lambda file: file.stem,
)
def test_every_example_of_openslo_is_loaded_or_refused_by_field(file: Path) -> None:
    """Their metric sources are placeholders; with sources of ours in their place, each is read or names its field."""
    text = file.read_text(encoding="utf-8")
    assert is_openslo(text, file.name)
    assert all("metricSource.type is 'Any'" in line or "timeWindow.duration" in line for line in mistakes(text))

    ours = text.replace("type: Any", "type: kafka-stream").replace("query: Any", "series: requests_total")
    objectives, problems = read_openslo({file.name: ours})
    assert objectives
    assert all("'1m' is not of the calendar" in problem.text for problem in problems)
