"""Classic histograms, series with the label ``le``: ``histogram_quantile`` and ``histogram_fraction``."""

import math
from bisect import bisect_left

from streams.promql.arithmetic import NAN, almost_equal, divide, float_text
from streams.promql.call import Call, Implementation
from streams.promql.moment import Moment
from streams.promql.values import NAME, Labels, Sample, Vector

_LE = frozenset({"le"})
_TOLERANCE = 1e-12
"""Two counts that differ by less are equal: the difference comes from floating-point sums."""

Buckets = list[tuple[float, float]]
"""Upper bound and cumulative count, ascending by bound."""


def bucket_quantile(share: float, buckets: Buckets) -> float:
    """The quantile by linear interpolation within a bucket, from 0 in the first one if its bound is positive.

    NaN without observations, without a bucket up to +Inf, or with only that one; in the last bucket its lower bound.
    """
    if share != share or buckets[-1][0] != math.inf or len(buckets) < 2 or buckets[-1][1] == 0:
        return NAN
    if buckets[-1][1] != buckets[-1][1]:
        return buckets[-2][0]
    rank = share * buckets[-1][1]
    index = bisect_left([count for _, count in buckets[:-1]], rank)
    bound, count = buckets[index]
    if index == len(buckets) - 1:
        return buckets[-2][0]
    if index == 0 and bound <= 0:
        return bound
    start = 0.0
    if index:
        start, below = buckets[index - 1]
        count -= below
        rank -= below
    return start + (bound - start) * divide(rank, count)


def bucket_fraction(lower: float, upper: float, buckets: Buckets) -> float:
    """The share of observations between the two values, by linear interpolation within the buckets they fall into."""
    observations = buckets[-1][1]
    if buckets[-1][0] != math.inf or not observations or lower != lower or upper != upper:
        return NAN
    if lower >= upper:
        return 0.0
    return (_rank(upper, buckets) - _rank(lower, buckets)) / observations


def _rank(value: float, buckets: Buckets) -> float:
    """How many observations are at most ``value``, by interpolation."""
    start = 0.0 if buckets[0][0] > 0 else -math.inf
    below = 0.0
    for bound, count in buckets:
        if start >= value:
            return below
        if start < value < bound:
            return count if start == -math.inf else below + (count - below) * (value - start) / (bound - start)
        start, below = bound, count
    return buckets[-1][1]


def _histograms(call: Call, index: int, moment: Moment) -> dict[Labels, tuple[Labels, Buckets]]:
    """The buckets of each histogram in a vector, by its labels without ``le``."""
    found: dict[Labels, tuple[Labels, Buckets]] = {}
    for sample in call.vector(index, moment):
        try:
            bound = float(sample.labels.get("le", ""))
        except ValueError:
            _note_bad_bucket(sample.labels, call.arguments[index].position, moment)
            continue
        labels = sample.labels.drop(_LE)
        found.setdefault(labels, (labels, []))[1].append((bound, sample.value))
    return {key: (labels, _merged(buckets)) for key, (labels, buckets) in found.items()}


def _note_bad_bucket(labels: Labels, position: str, moment: Moment) -> None:
    suffix = f' for metric name "{labels[NAME]}"' if labels.get(NAME) else ""
    moment.warn(f'bucket label "le" is missing or has a malformed value of "{labels.get("le", "")}"{suffix}', position)


def _merged(buckets: Buckets) -> Buckets:
    """Sorted, with the counts of equal bounds added up."""
    merged: Buckets = []
    for bound, count in sorted(buckets, key=lambda bucket: bucket[0]):
        if merged and merged[-1][0] == bound:
            merged[-1] = (bound, merged[-1][1] + count)
        else:
            merged.append((bound, count))
    return merged


def _monotonic(buckets: Buckets) -> tuple[Buckets, Buckets]:
    """Counts that never fall, as cumulative counts must not; and which buckets really had fallen, and by how much."""
    fixed, fallen = [buckets[0]], []
    highest = buckets[0][1]
    for bound, count in buckets[1:]:
        if count != highest and not almost_equal(highest, count, _TOLERANCE):
            if count < highest:
                fallen.append((bound, highest - count))
            else:
                highest = count
        fixed.append((bound, highest))
    return fixed, fallen


def _histogram_quantile(call: Call, moment: Moment) -> Vector:
    share = call.number(0, moment)
    if not 0 <= share <= 1:
        shown = float_text(share) if not math.isfinite(share) else f"{share:g}"
        moment.warn(f"quantile value should be between 0 and 1, got {shown}", call.arguments[0].position)
    result = []
    for labels, buckets in _histograms(call, 1, moment).values():
        if share < 0 or share > 1:
            result.append(Sample(labels, math.copysign(math.inf, share), True))
            continue
        fixed, fallen = _monotonic(buckets)
        if fallen:
            _note_fallen(labels, fallen, call, moment)
        result.append(Sample(labels, bucket_quantile(share, fixed), True))
    return result


def _note_fallen(labels: Labels, fallen: Buckets, call: Call, moment: Moment) -> None:
    suffix = f' for metric name "{labels[NAME]}"' if labels.get(NAME) else ""
    bounds = [bound for bound, _ in fallen]
    moment.inform(
        "input to histogram_quantile needed to be fixed for monotonicity since counts fell by up to "
        f"{max(fall for _, fall in fallen):g} between the buckets {min(bounds):g} and {max(bounds):g}{suffix}",
        call.arguments[1].position,
    )


def _histogram_fraction(call: Call, moment: Moment) -> Vector:
    lower, upper = call.number(0, moment), call.number(1, moment)
    found = _histograms(call, 2, moment).values()
    return [Sample(labels, bucket_fraction(lower, upper, buckets), True) for labels, buckets in found]


TABLE: dict[str, Implementation] = {
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
}
