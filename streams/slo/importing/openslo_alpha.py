"""OpenSLO v1alpha, as Sloth reads it."""

from collections.abc import Iterator
from typing import Any

from streams.slo.importing.converted import Converted, Unreadable, slo, source

_UNITS = {"Day": "d", "Week": "w", "Month": "M", "Quarter": "Q", "Hour": "h"}


def documents(given: dict[str, Any], found: Converted) -> Iterator[dict[str, Any] | Unreadable]:
    """One SLO for each objective, since each has metrics of its own."""
    if given.get("kind") != "SLO":
        raise Unreadable(f"kind {given.get('kind')!r} of openslo/v1alpha has no objectives", "give an SLO")
    spec, name = given["spec"], str(given["metadata"]["name"])
    (window,) = spec["timeWindows"]
    if window["unit"] not in _UNITS:
        raise Unreadable(f"{name}: timeWindows.unit {window['unit']!r} is not supported", f"use {', '.join(_UNITS)}")
    several = len(spec["objectives"]) > 1
    for index, objective in enumerate(spec["objectives"], 1):
        if "ratioMetrics" not in objective:
            raise Unreadable(f"{name}: an objective has no ratioMetrics", "write good and total")
        metrics = {
            key: source(objective["ratioMetrics"][key]["query"], f"{name}: ratioMetrics.{key}.query")
            for key in ("good", "total")
        }
        yield slo(
            f"{name}-{index}" if several else name,
            str(spec["service"]),
            {"ratioMetric": {"counter": True, **metrics}},
            f"{float(objective['target']) * 100:.10g}",
            f"{window['count']}{_UNITS[window['unit']]}",
            description=str(spec.get("description") or ""),
            annotations={"tidewatch/burn-rates": "google"},
        )
