"""Violations of policies about sequences, as increments of the series that count verdicts."""

from collections import Counter
from collections.abc import Iterable

from streams.compliance.sequences.board import SequenceViolation
from streams.windows.columns import Batch, batch
from streams.windows.panes import Cell, Series


def evaluations(found: Iterable[SequenceViolation], now_ms: int, pane_ms: int) -> tuple[list[bytes], Batch]:
    """Packed series, and a cell for each: they count when a violation becomes known, for rules look at what is new."""
    counts: Counter[tuple[tuple[str, str], ...]] = Counter()
    for violation in found:
        policy = violation.policy
        for framework, controls in policy.frameworks.items():
            for control in controls:
                labels = {"policy": policy.id, "framework": framework, "control": control}
                labels |= {"verdict": "non_compliant", "service": violation.witness.service}
                counts[tuple(sorted(labels.items()))] += 1
    start_ms = (now_ms - 1) // pane_ms * pane_ms
    series = [Series("compliance_evaluations_total", "counter", labels, pane_ms).packed() for labels in counts]
    cells = [
        (number, start_ms, Cell(count, float(count), 1.0, 1.0, 1.0, now_ms - 1))
        for number, count in enumerate(counts.values())
    ]
    return series, batch(cells)
