"""When a worker is started again, and when it is given up."""

import signal

from streams.supervisor import UNAVAILABLE, Ends


def pauses(codes: list[int], seconds: float) -> list[float | None]:
    """The pause after each end, when every run lasts so long."""
    ends, now, made = Ends(), 0.0, []
    for code in codes:
        now += seconds
        made.append(ends.pause(code, now))
        now += made[-1] or 0
    return made


def test_a_worker_that_refuses_its_configuration_is_given_up_after_five_starts() -> None:
    assert pauses([1] * 5, 3) == [1, 2, 4, 8, None]


def test_a_worker_that_is_killed_again_and_again_is_started_again_and_again() -> None:
    made = pauses([-signal.SIGKILL] * 200, 3)

    assert None not in made
    assert max(pause for pause in made if pause) == 10


def test_a_worker_whose_servers_are_away_is_never_given_up() -> None:
    assert None not in pauses([UNAVAILABLE] * 200, 10)


def test_a_worker_that_ran_for_a_minute_starts_over() -> None:
    assert pauses([1] * 20, 61) == [1] * 20


def test_a_kill_in_between_clears_nobody_of_blame_for_what_comes_after() -> None:
    assert pauses([1, 1, -signal.SIGKILL, 1, 1, 1, 1, 1], 1)[-1] is None
