"""What the committed long runs of ``make chaos`` met: every figure is from a file of ``tests/chaos/results``."""

import json
from pathlib import Path
from typing import Any

from docs.structs import GENERATED, table

FILE = "chaos.md"

RESULTS = Path(__file__).parents[2] / "tests" / "chaos" / "results"

_PLAIN = {
    "seed": "seed",
    "seconds": "seconds of publishing and breaking",
    "seconds_to_catch_up": "seconds until all was caught up",
    "records": "records",
    "dead_letters": "of them dead letters",
    "partitions": "partitions of each of the three topics",
    "workers": "workers",
    "sigkills_of_workers": "SIGKILLs of workers",
    "windows": "windows compared",
    "transitions": "transitions of alerts compared",
    "alerts_told": "beginnings of alerts that Alertmanager was told",
    "anomalies": "anomalies that the auditor saw",
}


def text() -> str:
    """One column a run."""
    runs = [json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))]
    parts = [
        GENERATED,
        "# Long runs of chaos",
        "Results of `make chaos` (`tests/chaos/results/`). In each of them raw rows were exactly the published records "
        "less the dead letters, no gap and no double in any partition; every verdict, window sum and transition of "
        "an alert was what the truth implies. [Exactly once](../exactly-once.md) says why.",
        table(["", *(f"run {number}" for number in range(1, len(runs) + 1))], _rows(runs)),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(runs: list[dict[str, Any]]) -> list[list[str]]:
    rows = [[what, *(str(run[field]) for run in runs)] for field, what in _PLAIN.items()]
    rows.append(["never met, and so not proven by the run", *(", ".join(run["never_met"]) or "none" for run in runs)])
    for heading, field in (("fault", "faults"), ("met", "sometimes")):
        names = sorted({name for run in runs for name in run[field]})
        rows += [[f"{heading}: {name}", *(str(run[field].get(name, 0)) for run in runs)] for name in names]
    return rows
