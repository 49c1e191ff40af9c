"""Maintenance as ``tidewatch maintenance`` writes it into a file, and shows it."""

from collections.abc import Mapping, Sequence

import yaml

from schemas.duration import duration_text
from schemas.failures import Rejected
from schemas.slo import Maintenance
from schemas.slo_maintenance import DAYS
from streams.slo.files import read_objectives
from streams.slo.maintenance import stretches

_HEAD = (
    "# Maintenance: it burns no budget and no objective alerts in it. See docs/how-to/objectives.md.\nmaintenance:\n"
)


def added(text: str, file: str, item: Mapping[str, object]) -> str:
    """The file with one more piece of maintenance at its end. Raises Rejected when that cannot be read again."""
    before = text if text.strip() else _HEAD
    line = yaml.safe_dump(
        dict(item), default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    ).strip()
    after = f"{before.rstrip()}\n  - {line}\n"
    found = read_objectives({file: after})
    if found.problems:
        raise Rejected("\n".join(str(problem) for problem in found.problems))
    if len(found.maintenance) != len(read_objectives({file: before}).maintenance) + 1:
        raise Rejected(f"{file} does not end with its list of maintenance; move maintenance: to its end")
    return after


def shown(declared: Sequence[Maintenance], now: int) -> list[dict[str, object]]:
    """One row for each; ``now``: minutes since the epoch."""
    return [
        {
            "name": each.name,
            "services": list(each.services),
            "when": _when(each),
            "for": duration_text(each.minutes * 60_000),
            "zone": each.zone,
            "by": each.declared_by,
            "declared": each.declared_at,
            "now": bool(stretches([each], each.services[0] if each.services else "", now, now + 1)),
        }
        for each in declared
    ]


def _when(maintenance: Maintenance) -> str:
    if not maintenance.days:
        return maintenance.start[:16]
    days = ",".join(DAYS[day] for day in maintenance.days)
    until = f" until {maintenance.until[:16]}" if maintenance.until else ""
    return f"{days} {maintenance.start[11:16]}{until}"
