"""Series have numbers for as long as windows hold them, and there are never more than the limit."""

import numpy as np

from streams.windows.catalogue import OVERFLOW, OVERFLOW_NAMES, Catalogue
from streams.windows.panes import Series


def series(name: str, pod: int = 0) -> bytes:
    return Series(name, "gauge", (("pod", str(pod)), ("service", "shop")), 10_000).packed()


def catalogue(limit: int) -> Catalogue:
    return Catalogue(limit, lambda _: False)


def test_a_series_has_one_number() -> None:
    made = catalogue(10)

    assert [made.number(series("m", pod)) for pod in (0, 1, 0)] == [0, 1, 0]
    assert made.described[1].labels == '{"pod":"1"}'


def test_past_the_limit_each_metric_has_one_more_series_and_past_that_all_share_one() -> None:
    made = catalogue(2)
    numbers = {made.number(series(f"m{at}", at)) for at in range(OVERFLOW_NAMES + 50)}

    assert len(numbers) == len(made) == 2 + OVERFLOW_NAMES + 1
    last = made.series[made.number(series("yet another"))]
    assert last is not None
    assert (last.name, last.labels) == ("__overflow__", OVERFLOW)


def test_a_series_that_no_pane_comes_of_is_forgotten_and_its_number_used_again() -> None:
    made = catalogue(10)
    numbers = np.array([made.number(series("old")), made.number(series("new"))])
    made.seen(numbers, np.array([0, 90_000]))

    made.forget(60_000)

    assert len(made) == 1
    assert made.number(series("another")) == numbers[0]
    assert made.number(series("new")) == numbers[1]


def test_a_restored_catalogue_goes_on_where_the_original_was() -> None:
    made = catalogue(2)
    numbers = np.array([made.number(series(f"m{at}")) for at in range(3)])
    made.seen(numbers, np.array([0, 90_000, 90_000]))
    made.forget(60_000)
    copy = catalogue(2)
    copy.restore(made.snapshot())

    for name in ("m1", "m2", "m3", "m4"):
        assert copy.number(series(name)) == made.number(series(name))
    assert copy.overflowing == made.overflowing
