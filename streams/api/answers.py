"""Values as Prometheus' HTTP API writes them."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from streams.promql import Labels, Matrix, Note, RangeSeries, Value


def value(found: Value, at_ms: int, limit: int = 0) -> dict[str, Any]:
    """The data of an instant query."""
    if isinstance(found, str):
        return {"resultType": "string", "result": [at_ms / 1000, found]}
    if isinstance(found, Matrix):
        return matrix(found.series, limit)
    if isinstance(found, list):
        vector = [{"metric": sample.labels, "value": [at_ms / 1000, number(sample.value)]} for sample in found]
        return {"resultType": "vector", "result": vector[: limit or None]}
    return {"resultType": "scalar", "result": [at_ms / 1000, number(found)]}


def matrix(found: Iterable[RangeSeries], limit: int = 0) -> dict[str, Any]:
    """The data of a range query, series in the order of their labels."""
    ordered = sorted(found, key=lambda series: sorted(series.labels.items()))
    series = [{"metric": each.labels, "values": _points(each)} for each in ordered if len(each.timestamps)]
    return {"resultType": "matrix", "result": series[: limit or None]}


def _points(series: RangeSeries) -> list[list[Any]]:
    pairs = zip(series.timestamps, series.values, strict=True)
    return [[time / 1000, number(value)] for time, value in pairs]


def number(found: float) -> str:
    """The shortest digits that read back the same; an exponent below 1e-6 and from 1e21 on."""
    if not math.isfinite(found):
        return "NaN" if found != found else ("+Inf" if found > 0 else "-Inf")
    if found and not 1e-6 <= abs(found) < 1e21:
        return repr(found)
    plain = format(Decimal(repr(found)), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def scientific(found: float) -> str:
    """The same digits with an exponent, which is how Prometheus shows the value of an alert."""
    if not math.isfinite(found):
        return number(found)
    return next(text for digits in range(18) if float(text := f"{found:.{digits}e}") == found)


def notes(found: Iterable[Note]) -> dict[str, list[str]]:
    """Remarks on a result: ``warnings`` and ``infos``, those that there are."""
    sorted_ = {"warnings": [str(n) for n in found if n.kind == "warning"]}
    sorted_["infos"] = [str(n) for n in found if n.kind == "info"]
    return {kind: texts for kind, texts in sorted_.items() if texts}


def label_sets(found: Iterable[Labels]) -> list[Labels]:
    """Label sets in their order."""
    return sorted(found, key=lambda labels: sorted(labels.items()))


def instant(at_ms: int | None) -> str:
    """RFC 3339; Go's zero time when there is none."""
    if at_ms is None:
        return "0001-01-01T00:00:00Z"
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
