"""Deltas as stories tell them: cell by cell."""

from collections.abc import Sequence

from streams.batch import Partition
from streams.windows.columns import batch
from streams.windows.deltas import PaneDelta
from streams.windows.panes import Cell, Series


def delta(
    tenant: str,
    source: Partition,
    offsets: tuple[int, int],
    series: Sequence[Series],
    cells: Sequence[tuple[int, int, Cell]],
    part: tuple[int, int] = (0, 1),
    incarnation: str = "c",
) -> PaneDelta:
    """``cells``: (index into ``series``, start of the pane, what to add); ``part``: which one of how many."""
    names = [each.packed() for each in series]
    return PaneDelta(tenant, source, incarnation, *offsets, *part, names, batch(cells))
