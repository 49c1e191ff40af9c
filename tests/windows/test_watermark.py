"""The clock of event time is told by records alone."""

from streams.batch import Partition
from streams.windows.watermark import Watermark

A, B = Partition("metrics", 0), Partition("metrics", 1)


def test_the_slowest_partition_holds_the_clock() -> None:
    clock = Watermark(500)
    clock.observe(A, 10_000, 0)
    clock.observe(B, 4_000, 0)

    assert clock.reached() == 3_500


def test_the_clock_never_goes_back() -> None:
    clock = Watermark(0)
    clock.observe(A, 10_000, 0)
    assert clock.reached() == 10_000

    clock.observe(B, 4_000, 0)

    assert clock.reached() == 10_000


def test_a_partition_that_is_about_to_be_read_holds_the_clock_before_its_first_record() -> None:
    """Else a backlog would be late in its slower partitions as soon as the first one has been read."""
    clock = Watermark(0)
    clock.expect(B, 0)
    clock.observe(A, 10_000, 0)
    assert clock.reached() == 0

    clock.observe(B, 4_000, 0)

    assert clock.reached() == 4_000


def test_an_idle_partition_does_not_hold_the_clock() -> None:
    clock = Watermark(0)
    clock.observe(B, 4_000, 1_000)
    clock.observe(A, 10_000, 1_000)
    clock.idle(B, 2_000)

    assert clock.reached() == 10_000


def test_when_all_are_idle_the_clock_runs_on_with_the_wall_clock() -> None:
    clock = Watermark(500)
    clock.observe(A, 10_000, 1_000)
    clock.observe(B, 9_000, 1_000)
    for now in (2_000, 31_000):
        clock.idle(A, now)
        clock.idle(B, now)

    assert clock.reached() == 10_000 + 30_000


def test_what_may_be_out_of_order_has_come_when_it_has_been_quiet_for_that_long() -> None:
    """The clock of an idle partition goes on from where it stood, and catches up."""
    clock, reached = Watermark(500), []
    clock.observe(A, 10_000, 0)
    for now in (0, 100, 250, 500, 800):
        clock.idle(A, now)
        reached.append(clock.reached())

    assert reached == [9_500, 9_700, 10_000, 10_500, 10_800]


def test_new_records_end_idleness() -> None:
    clock = Watermark(0)
    clock.observe(A, 10_000, 0)
    clock.idle(A, 5_000)
    assert clock.reached() == 15_000

    clock.observe(A, 11_000, 6_000)
    clock.observe(B, 20_000, 6_000)

    assert clock.reached() == 15_000


def test_nothing_is_known_before_the_first_event() -> None:
    clock = Watermark(500)
    clock.expect(A, 1_000)
    clock.idle(A, 2_000)

    assert clock.reached() == 0


def test_a_snapshot_restores_the_clock() -> None:
    clock = Watermark(500)
    clock.observe(A, 10_000, 1_000)
    clock.idle(A, 3_000)
    copy = Watermark(500)
    copy.restore(clock.snapshot())

    assert copy.reached() == clock.reached() == 12_000
