"""What goes wrong in a run, and when: counted in requests, so that a fault can be put at every one of them."""

from enum import Enum
from typing import NamedTuple

from hypothesis import strategies as st


class Fault(Enum):
    """What happens to a request, or to the worker that makes it."""

    KILLED_BEFORE = "SIGKILL before the request is sent"
    KILLED_AFTER = "SIGKILL while the request is on its way; it arrives"
    FROZEN_BEFORE = "SIGSTOP before the request is sent; it is sent after SIGCONT, by a zombie"
    FROZEN_AFTER = "SIGSTOP before the answer is read"
    REQUEST_LOST = "the request never arrives"
    ANSWER_LOST = "the request is carried out, the answer never arrives"
    HALF = "ClickHouse dies after it logged the token and before it put the part in place"
    HALF_AND_KILLED = "the same, and the worker dies with it: an embedded engine"
    REBALANCE = "the group rebalances meanwhile"
    STOPPED = "SIGTERM to the worker"


class Plan(NamedTuple):
    """A run: the seed of everything that varies by itself (latencies, sizes of fetches), and faults by request."""

    seed: int
    faults: dict[int, Fault]


def plans(requests: int, most: int = 5) -> st.SearchStrategy[Plan]:
    """Plans with up to ``most`` faults among the first so many requests."""
    faults = st.dictionaries(st.integers(1, requests), st.sampled_from(Fault), max_size=most)
    return st.builds(Plan, st.integers(0, 2**16), faults)
