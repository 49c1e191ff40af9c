"""What converting gives, and the parts of OpenSLO documents that every tool's objectives become."""

import re
from typing import Any

import msgspec

from schemas.failures import Rejected
from schemas.slo import WINDOW
from schemas.yamltext import Problem
from streams.slo.sources import expression_of, matchers_of

_NAME = re.compile(r"[^a-z0-9-]+")
_SUM_OF_RATE = re.compile(r"\s*sum\s*\(\s*rate\s*\(\s*(?P<selector>[^\[\]]+)\[\s*\$window\s*\]\s*\)\s*\)\s*")
_SLOTH_WINDOW = re.compile(r"\{\{\s*\.window\s*\}\}")


class Converted(msgspec.Struct):
    """OpenSLO documents; notes on what was left out; and problems of what could not be converted."""

    documents: list[dict[str, Any]] = []
    notes: list[str] = []
    problems: list[Problem] = []


class Unreadable(Exception):  # noqa: N818 - named after what happened
    """An objective that cannot be converted: what it has, and what to do."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


def source(query: str, what: str) -> dict[str, Any]:
    """A metric source. A sum of rates becomes the series themselves, so that their events are counted exactly."""
    text = _SLOTH_WINDOW.sub(lambda _: WINDOW, query).strip()
    try:
        found = _SUM_OF_RATE.fullmatch(text)
        if found is not None:
            matchers_of(found["selector"].strip())
            spec = {"series": found["selector"].strip()}
        else:
            kind = expression_of(text, "1m").kind
            if kind not in ("scalar", "vector"):
                raise Unreadable(f"{what} gives a {kind}, not a number", "write it as a sum of rates")
            spec = {"query": text}
    except Rejected as error:
        raise Unreadable(f"{what} is not PromQL that Tidewatch evaluates: {error}", "write it in other words") from None
    return {"metricSource": {"type": "kafka-stream", "spec": spec}}


def slo(
    name: str, service: str, indicator: dict[str, Any], target: str, window: str, *, description: str = "", **more: Any
) -> dict[str, Any]:
    """An SLO document. ``target`` in percent; ``more``: labels, annotations and the fields of its objective."""
    metadata: dict[str, Any] = {"name": _NAME.sub("-", name.lower()).strip("-")}
    for key in ("labels", "annotations"):
        if more.get(key):
            metadata[key] = {str(label): str(value) for label, value in more[key].items()}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": metadata,
        "spec": {
            **({"description": description} if description else {}),
            "service": service,
            "indicator": {"metadata": {"name": metadata["name"]}, "spec": indicator},
            "timeWindow": [{"duration": window, "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{**more.get("objective", {}), "targetPercent": float(target)}],
        },
    }
