"""How minutes become a budget: by events, by slices that are good or bad, or by the mean ratio of slices."""

from collections.abc import Callable, Iterator
from fractions import Fraction

from schemas.slo import Method, Objective, Occurrences, Op, RatioSlices, Slices
from streams.slo.ledger import UNIT, Measure, Minutes, Tally, within

RATIO = UNIT * UNIT
"""What a slice counts where the ratios of slices are added: the rounding of each is far below a unit."""

COMPARE: dict[Op, Callable[[Fraction | float, Fraction | float], bool]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
}


def measure_of(objective: Objective) -> Measure:
    """The measure of an objective's method. A slice with fewer events than ``minimum_events`` does not count."""
    method, least = objective.method, objective.minimum_events * UNIT
    if isinstance(method, Occurrences):
        return _events
    if isinstance(method, Slices):
        return _slices(method, least)
    return _ratios(method.minutes, least)


def weight_of(method: Method) -> int:
    """What an event or a slice counts."""
    return RATIO if isinstance(method, RatioSlices) else UNIT


def slice_minutes(method: Method) -> int:
    """What windows have to be made of: slices, or minutes."""
    return 1 if isinstance(method, Occurrences) else method.minutes


def _events(minutes: Minutes, first: int, last: int) -> Tally:
    found = [minutes[offset] for offset in range(first, last) if offset in minutes]
    return Tally(sum([bad for bad, _ in found]), sum([total for _, total in found]), len(found))


def _slices(method: Slices, least: int) -> Measure:
    compare = COMPARE[method.op]

    def measure(minutes: Minutes, first: int, last: int) -> Tally:
        bad = total = seen = 0
        for its_bad, its_total, its_seen in _in_slices(minutes, method.minutes, first, last):
            seen += its_seen
            if its_total > 0 and its_total >= least:
                total += UNIT
                bad += 0 if compare(Fraction(its_total - its_bad, its_total), method.target) else UNIT
        return Tally(bad, total, seen)

    return measure


def _ratios(length: int, least: int) -> Measure:
    def measure(minutes: Minutes, first: int, last: int) -> Tally:
        bad = total = seen = 0
        for its_bad, its_total, its_seen in _in_slices(minutes, length, first, last):
            seen += its_seen
            if its_total > 0 and its_total >= least:
                total += RATIO
                bad += max(its_bad, 0) * RATIO // its_total
        return Tally(bad, total, seen)

    return measure


def _in_slices(minutes: Minutes, length: int, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """(bad, total, minutes with data) of each slice that has any."""
    found: dict[int, tuple[int, int, int]] = {}
    for offset, bad, total in within(minutes, first, last):
        before = found.get(offset // length, (0, 0, 0))
        found[offset // length] = before[0] + bad, before[1] + total, before[2] + 1
    return iter(found.values())
