"""What could be saved is told with what it rests on, and only when there is enough to tell it from."""

import pytest

from streams.cost.advice import Resource, Spend, Utilisation, advise, enough


def used(resource: Resource, p50: float, p95: float, p99: float, hours: int = 24, service: str = "shop") -> Utilisation:
    return Utilisation(service, resource, p50, p95, p99, p99, hours)


CPU, MEMORY = (Spend("shop", part, "USD", part, amount) for part, amount in (("cpu", 1000.0), ("memory", 500.0)))  # type: ignore[arg-type]
OTHER = Spend("shop", "network", "USD", None, 750.0)


def test_what_is_hardly_used_is_reduced_to_what_is_needed_and_a_margin() -> None:
    """40 % and 15 % more fit into 57.5 % of the capacity, four fifths of which may be in use."""
    [memory] = advise([MEMORY, OTHER], [used("memory", 30, 35, 40)])
    assert (memory.service, memory.action, memory.currency) == ("shop", "right_size_memory", "USD")
    assert memory.share == pytest.approx(0.575)
    assert memory.saving == pytest.approx(500 * 0.425)
    assert memory.utilisation.p99 == 40


def test_nodes_are_not_taken_away_from_memory_that_is_needed() -> None:
    """The processors would do with half."""
    cpu = used("cpu", 10, 30, 35)
    [alone] = advise([CPU], [cpu])
    assert (alone.action, alone.share) == ("scale_down_nodes", enough(30))
    [together] = advise([CPU], [cpu, used("memory", 40, 45, 50)])
    assert together.share == enough(50)
    assert advise([CPU], [cpu, used("memory", 70, 75, 80)]) == []


def test_a_load_that_comes_and_goes_is_scaled_with() -> None:
    """Half of the time a quarter would do."""
    [advice] = advise([CPU], [used("cpu", 10, 75, 90)])
    assert (advice.action, advice.share) == ("auto_scale", enough(10))


@pytest.mark.parametrize(
    "utilisation",
    [used("cpu", 50, 60, 70), used("cpu", 10, 20, 30, hours=23), used("cpu", 1, 2, 3, service="other")],
    ids=["well used", "not known for long", "of another service"],
)
def test_nothing_is_said_without_reason(utilisation: Utilisation) -> None:
    assert advise([CPU], [utilisation]) == []


def test_a_tenth_always_stays() -> None:
    """What was never needed may be needed once."""
    [advice] = advise([CPU], [used("cpu", 0, 0, 0)])
    assert advice.share == 0.1


def test_the_greatest_saving_comes_first_and_credits_save_nothing() -> None:
    utilisations = [used("cpu", 10, 20, 30), used("memory", 10, 10, 10)]
    assert [advice.action for advice in advise([MEMORY, CPU], utilisations)] == [
        "scale_down_nodes",
        "right_size_memory",
    ]
    assert advise([CPU, CPU._replace(amount=-1000.0)], utilisations) == []
