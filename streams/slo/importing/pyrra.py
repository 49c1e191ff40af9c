"""Pyrra (https://github.com/pyrra-dev/pyrra): ServiceLevelObjective."""

from collections.abc import Iterator
from typing import Any

from schemas.duration import milliseconds
from schemas.failures import Rejected
from schemas.slo import WINDOW
from streams.slo.importing.converted import Converted, Unreadable, slo, source


def documents(given: dict[str, Any], found: Converted) -> Iterator[dict[str, Any] | Unreadable]:
    """The SLO of a ServiceLevelObjective."""
    if given.get("kind") != "ServiceLevelObjective":
        raise Unreadable(f"kind {given.get('kind')!r} has no objectives", "give a ServiceLevelObjective")
    spec, metadata = given["spec"], given["metadata"]
    name = str(metadata["name"])
    (kind, indicator), *_ = spec["indicator"].items()
    if indicator.get("grouping"):
        groups = ", ".join(indicator["grouping"])
        found.notes.append(f"{name}: grouping was left out; all of {groups} are one objective")
    alerting = spec.get("alerting") or {}
    is_silent = alerting.get("disabled") or alerting.get("burnrates") is False
    labels = metadata.get("labels") or {}
    annotations = {} if is_silent else {"tidewatch/burn-rates": "google"}
    if alerting.get("absent", True) and not alerting.get("disabled"):
        found.notes.append(f"{name}: the alert of absence was left out; say tidewatch/no-data: breach after 10m")
    metric, objective = _indicator(kind, indicator, name)
    yield slo(
        name,
        str(metadata.get("namespace") or name),
        metric,
        str(spec["target"]),
        _window(str(spec["window"])),
        description=str(spec.get("description") or ""),
        labels=labels,
        annotations=annotations,
        objective=objective,
    )


def _indicator(kind: str, given: dict[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The SLI, and what the objective needs for it."""
    what = f"{name}: indicator.{kind}"
    if kind == "ratio":
        bad, total = _series(given["errors"], f"{what}.errors"), _series(given["total"], f"{what}.total")
        return {"ratioMetric": {"counter": True, "bad": bad, "total": total}}, {}
    if kind == "latency":
        good, total = _series(given["success"], f"{what}.success"), _series(given["total"], f"{what}.total")
        return {"ratioMetric": {"counter": True, "good": good, "total": total}}, {}
    if kind == "latencyNative":
        seconds = milliseconds(str(given["latency"])) / 1000
        return {"thresholdMetric": _series(given["total"], f"{what}.total")}, {"op": "lte", "value": seconds}
    if kind == "bool_gauge":
        metric = given["metric"]
        good = source(f"sum(sum_over_time({metric}[{WINDOW}]))", f"{what}.metric")
        total = source(f"sum(count_over_time({metric}[{WINDOW}]))", f"{what}.metric")
        return {"ratioMetric": {"counter": False, "good": good, "total": total}}, {}
    raise Unreadable(f"{what} is not supported", "use ratio, latency, latencyNative or bool_gauge")


def _series(given: dict[str, Any], what: str) -> dict[str, Any]:
    return source(f"sum(rate({given['metric'].strip()}[{WINDOW}]))", what)


def _window(written: str) -> str:
    """A Prometheus duration as OpenSLO writes it: one number and one unit."""
    try:
        minutes, rest = divmod(milliseconds(written), 60_000)
    except Rejected as error:
        raise Unreadable(f"window: {error}", "write it like 4w") from None
    if rest:
        raise Unreadable(f"window {written} is not of whole minutes", "write it like 4w")
    return f"{minutes // 1440}d" if minutes % 1440 == 0 else f"{minutes}m"
