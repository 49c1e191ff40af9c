"""How a worker gives back the memory that it has freed.

Nothing is leaked, yet blocks of all sizes that threads allocate and other threads free leave holes, and the C library
keeps them. Two arenas instead of eight for each processor leave fewer of them; and what is in them goes back to the
system now and then (``make bench-scale``, axis ``events``). With another C library than glibc neither happens.
"""

import asyncio
import ctypes
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pyarrow as pa

_M_ARENA_MAX = -8
"""A parameter of mallopt(3)."""
_ARENAS = 2

_LOOK_SECONDS = 5.0
_MOST_FREE = 64 << 20
"""Bytes: to give back more takes some 10 ms, and as much again when it is needed next."""


class _Usage(ctypes.Structure):
    """See mallinfo2(3)."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = [(name, ctypes.c_size_t) for name in _names]


_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None
_mallopt = getattr(_LIBRARY, "mallopt", None)
_malloc_trim = getattr(_LIBRARY, "malloc_trim", None)
_mallinfo = getattr(_LIBRARY, "mallinfo2", None)
if _mallinfo is not None:
    _mallinfo.restype = _Usage


@asynccontextmanager
async def bounded() -> AsyncIterator[None]:
    """Few holes while this lasts, and what is in them is given back."""
    bound()
    giving = asyncio.create_task(_give_back_now_and_then())
    try:
        yield
    finally:
        giving.cancel()
        await asyncio.gather(giving, return_exceptions=True)


def bound() -> None:
    """Have Arrow use the C library's allocator, and that one few arenas."""
    pa.set_memory_pool(pa.system_memory_pool())
    if _mallopt is not None:
        _mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give what is free back to the system if it is much."""
    if _mallinfo is not None and _malloc_trim is not None and _mallinfo().fordblks > _MOST_FREE:
        _malloc_trim(0)


async def _give_back_now_and_then() -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.to_thread(give_back)
