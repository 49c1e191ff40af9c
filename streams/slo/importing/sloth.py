"""Sloth (https://sloth.dev): its files ``prometheus/v1``, and the same as a Kubernetes resource."""

import re
from collections.abc import Iterator
from typing import Any

from streams.slo.importing.converted import Converted, Unreadable, slo, source

PERIOD = "30d"
"""Sloth's own, unless it is told another one on its command line."""

_CAMEL = re.compile(r"([a-z])([A-Z])")


def from_file(given: dict[str, Any], found: Converted) -> Iterator[dict[str, Any] | Unreadable]:
    """The objectives of a file, and why others cannot be read."""
    for each in given["slos"]:
        try:
            yield _objective(given, each, found)
        except Unreadable as error:
            yield error
    _left_out(given, ("slo_plugins",), f"service {given['service']}", found)


def from_kubernetes(given: dict[str, Any], found: Converted) -> Iterator[dict[str, Any] | Unreadable]:
    """The objectives of a PrometheusServiceLevel."""
    if given.get("kind") != "PrometheusServiceLevel":
        raise Unreadable(f"kind {given.get('kind')!r} has no objectives", "give a PrometheusServiceLevel")
    yield from from_file(_snake(given["spec"]), found)


def _objective(given: dict[str, Any], each: dict[str, Any], found: Converted) -> dict[str, Any]:
    service = str(given["service"])
    name = f"{service}-{each['name']}"
    alerting = each.get("alerting") or {}
    disabled = [bool((alerting.get(kind) or {}).get("disable")) for kind in ("page_alert", "ticket_alert")]
    severities = [severity for severity, is_off in zip(("page", "ticket"), disabled, strict=True) if not is_off]
    annotations = {"tidewatch/burn-rates": "google"} if severities else {}
    if len(severities) == 1:
        annotations["tidewatch/severities"] = severities[0]
    _left_out(each, ("plugins",), name, found)
    _left_out(alerting, ("name", "labels", "annotations"), f"{name}, alerting", found)
    return slo(
        name,
        service,
        _indicator(each["sli"], name),
        str(each["objective"]),
        PERIOD,
        description=str(each.get("description") or ""),
        labels={**(given.get("labels") or {}), **(each.get("labels") or {})},
        annotations=annotations,
    )


def _indicator(sli: dict[str, Any], name: str) -> dict[str, Any]:
    if sli.get("events"):
        bad = source(sli["events"]["error_query"], f"{name}: sli.events.error_query")
        total = source(sli["events"]["total_query"], f"{name}: sli.events.total_query")
        return {"ratioMetric": {"counter": True, "bad": bad, "total": total}}
    if sli.get("raw"):
        raw = source(sli["raw"]["error_ratio_query"], f"{name}: sli.raw.error_ratio_query")
        return {"ratioMetric": {"raw": raw, "rawType": "failure"}}
    raise Unreadable(f"{name}: sli.plugin is a program, which is not run", "write its queries under sli.events")


def _left_out(given: dict[str, Any], keys: tuple[str, ...], what: str, found: Converted) -> None:
    for key in keys:
        if given.get(key):
            found.notes.append(f"{what}: {key} was left out")


def _snake(given: Any) -> Any:
    """The keys of a Kubernetes resource as the file has them; labels and annotations are names of users."""
    if isinstance(given, list):
        return [_snake(item) for item in given]
    if not isinstance(given, dict):
        return given
    return {
        _CAMEL.sub(lambda m: f"{m[1]}_{m[2].lower()}", str(key)): value
        if key in ("labels", "annotations")
        else _snake(value)
        for key, value in given.items()
    }
