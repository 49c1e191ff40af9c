"""How a worker gives back more of the memory that it has freed.

Nothing is leaked, yet blocks of all sizes that threads allocate and other threads free leave holes which are never
given back, while a worker catches up (``make bench-scale``, axis ``events``). Two arenas instead of eight for each
processor leave fewer of them.
"""

import ctypes
import sys

import pyarrow as pa

_M_ARENA_MAX = -8
"""A parameter of mallopt(3)."""
_ARENAS = 2


def bound() -> None:
    """Have Arrow use the C library's allocator, and that one few arenas; elsewhere than with glibc only the former."""
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
