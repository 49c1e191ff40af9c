"""Files of Sloth and Pyrra become OpenSLO that is loaded; what cannot be carried over is said."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.slo import Objective, Ratio, Raw, Rolling, Threshold
from streams.slo.files import read_objectives
from streams.slo.importing import convert
from streams.slo.importing.converted import Converted
from tests.e2e.data import needs_whole, whole

SLOTH = """\
version: prometheus/v1
service: shop
labels: {team: pay}
slos:
  - name: requests
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_total{code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_total[{{ .window }}]))
    alerting: {name: High, page_alert: {labels: {severity: a}}, ticket_alert: {disable: true}}
"""
PYRRA = """\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: api, namespace: shop}
spec:
  target: '99.5'
  window: 4w
  indicator: INDICATOR
"""


def loaded(text: str) -> tuple[list[Objective], Converted]:
    converted = convert(text, "f.yml")
    found = read_objectives({"f.yml": yaml.safe_dump_all(converted.documents)} if converted.documents else {})
    assert not found.problems
    return found.objectives, converted


def test_sums_of_rates_become_series_whose_events_are_counted() -> None:
    (objective,), converted = loaded(SLOTH)

    assert not converted.problems
    assert (objective.name, objective.service, objective.target) == ("shop-requests", "shop", Fraction(999, 1000))
    assert (objective.window, objective.severities, objective.labels) == (Rolling(43_200), ("page",), {"team": "pay"})
    assert isinstance(objective.indicator, Ratio)
    assert objective.indicator.bad is not None
    assert objective.indicator.bad.series == ('http_total{code=~"(5..|429)"}',)
    assert objective.indicator.total.series == ("http_total",)
    assert converted.notes == ["shop-requests, alerting: name was left out"]


def test_other_queries_stay_queries_with_a_window() -> None:
    text = SLOTH.replace("sum(rate(http_total[{{ .window }}]))", "sum_over_time(count(up)[{{.window}}:])")

    (objective,), _ = loaded(text)

    assert isinstance(objective.indicator, Ratio)
    assert objective.indicator.total.query == "sum_over_time(count(up)[$window:])"


def test_a_raw_error_ratio_is_a_raw_failure() -> None:
    start, end = SLOTH.index("      events:"), SLOTH.index("    alerting")
    text = SLOTH[:start] + "      raw: {error_ratio_query: '1 - avg(avg_over_time(ok[{{.window}}]))'}\n" + SLOTH[end:]

    (objective,), _ = loaded(text)

    assert isinstance(objective.indicator, Raw)
    assert objective.indicator.kind == "failure"


def test_a_kubernetes_resource_of_sloth_is_the_same() -> None:
    spec: dict[str, Any] = yaml.safe_load(SLOTH)
    del spec["version"]
    events = spec["slos"][0]["sli"]["events"]
    spec["slos"][0]["sli"]["events"] = {"errorQuery": events["error_query"], "totalQuery": events["total_query"]}
    spec["slos"][0]["alerting"] = {"name": "High", "pageAlert": {}, "ticketAlert": {"disable": True}}
    resource = {"apiVersion": "sloth.slok.dev/v1", "kind": "PrometheusServiceLevel", "metadata": {}, "spec": spec}

    assert convert(yaml.safe_dump(resource), "k.yml").documents == convert(SLOTH, "f.yml").documents


@pytest.mark.parametrize(
    ("indicator", "kind"),
    [
        ("{ratio: {errors: {metric: 'h{code=~\"5..\"}'}, total: {metric: h}}}", Ratio),
        ("{latency: {success: {metric: 'h_bucket{le=\"1\"}'}, total: {metric: h_count}}}", Ratio),
        ("{latencyNative: {latency: 200ms, total: {metric: h}}}", Threshold),
        ("{bool_gauge: {metric: probe_success}}", Ratio),
    ],
)
def test_every_indicator_of_pyrra_is_read(indicator: str, kind: type) -> None:
    (objective,), converted = loaded(PYRRA.replace("INDICATOR", indicator))

    assert not converted.problems
    assert isinstance(objective.indicator, kind)
    assert (objective.service, objective.window, objective.target) == ("shop", Rolling(28 * 1440), Fraction(995, 1000))
    if isinstance(objective.indicator, Threshold):
        assert (objective.indicator.op, objective.indicator.value) == ("lte", 0.2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1", "f.yml:1:1: version None is not one of Sloth or Pyrra; known are"),
        ("a: [", "f.yml:1:5: not YAML"),
        (SLOTH.replace("events:", "plugin:"), "f.yml:1:1: shop-requests: sli.plugin is a program, which is not run"),
        (
            SLOTH.replace("sum(rate(http_total[{", "histogram_share(1, http_total[{"),
            "sli.events.total_query is not PromQL",
        ),
        (SLOTH.replace("service: shop\n", ""), "a field is missing or of another form: 'service'"),
        (PYRRA.replace("INDICATOR", "{other: {}}"), "f.yml:1:1: api: indicator.other is not supported; use ratio"),
        (PYRRA.replace("4w", "90s").replace("INDICATOR", "{bool_gauge: {metric: x}}"), "window 90s is not of whole"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, problem: str) -> None:
    assert any(problem in str(found) for found in convert(text, "f.yml").problems)


def test_one_objective_that_cannot_be_read_does_not_hide_the_others() -> None:
    given: dict[str, Any] = yaml.safe_load(SLOTH)
    given["slos"] = [{"name": "other", "objective": 99, "sli": {"plugin": {"id": "x"}}}, *given["slos"]]

    (objective,), converted = loaded(yaml.safe_dump(given))

    assert objective.name == "shop-requests"
    assert [problem.text[:11] for problem in converted.problems] == ["shop-other:"]


def files(folder: str) -> list[Path]:
    return [
        file
        for found in whole(folder)
        for file in sorted([*found.rglob("*.y*ml")])
        if not {"_gen", "setup", "windows"} & set(file.parts)
    ]


@needs_whole
@pytest.mark.parametrize("file", [*files("rules/sloth/examples"), *files("rules/pyrra/examples")], ids=lambda f: f.stem)
def test_every_example_of_sloth_and_pyrra_is_imported(file: Path) -> None:
    """But for programs (plugins), and functions that are no PromQL, each of which is named."""
    objectives, converted = loaded(file.read_text(encoding="utf-8"))

    refused = [problem.text for problem in converted.problems]
    assert objectives or refused
    assert all("sli.plugin is a program" in text or "histogram_share" in text for text in refused)
