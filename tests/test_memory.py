"""Memory that is not needed any more goes back, whichever threads allocated and freed it."""

import subprocess
import sys
import textwrap

import pytest

HOLES = """
    import threading
    from pathlib import Path
    import numpy as np
    from streams.worker import memory

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    if {bounded}:
        memory.bound()
    kept, before = [], resident()

    def allocate():
        for _ in range(40):
            kept.append(np.ones(100_000 // 8))
            np.ones((8 << 20) // 8)

    threads = [threading.Thread(target=allocate) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    del kept[::2], kept[::2]
    if {bounded}:
        memory.give_back()
    print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_what_many_threads_freed_does_not_stay() -> None:
    """Less stays than without being told: of what is alive nothing differs."""
    bounded, free = (
        int(subprocess.check_output([sys.executable, "-c", textwrap.dedent(HOLES.format(bounded=flag))]))
        for flag in (True, False)
    )

    assert bounded < free


FREED = """
    from pathlib import Path
    import numpy as np
    from streams.worker import memory

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    memory.bound()
    kept = [np.ones(100_000 // 8) for _ in range(2_000)]
    last = np.ones(100_000 // 8)  # what is free below it is not at the end, which goes back by itself
    del kept
    before = resident()
    memory.give_back()
    print(before - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_what_is_free_below_something_that_is_alive_goes_back() -> None:
    given_back = int(subprocess.check_output([sys.executable, "-c", textwrap.dedent(FREED)]))

    assert given_back > 150_000_000
