"""How a worker's memory is kept from growing with what passes through it.

Nothing is leaked, yet blocks of all sizes that threads allocate and other threads free leave holes which are never
given back: measured, some 40 bytes an event, for as long as it catches up (``make bench-scale``, axis ``events``). Two
arenas instead of eight for each processor, and large blocks outside of them, end that.
"""

import ctypes
import sys

import pyarrow as pa

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
"""Parameters of mallopt(3)."""
_LARGE_BYTES = 4 << 20
_ARENAS = 2


def bound() -> None:
    """Have Arrow use the C library's allocator, and that one few arenas; elsewhere than with glibc only the former."""
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
