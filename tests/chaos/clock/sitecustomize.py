"""Makes the clock of a Python process as wrong as a file says, for processes with this folder on their path.

The file, named by ``CHAOS_CLOCK``, holds the seconds to add as a native 64-bit integer; it may change at any time. The
clock that never goes back is left alone, as it is by an operator who sets the time.
"""

import mmap
import os
import struct
import time
from pathlib import Path

if "CHAOS_CLOCK" in os.environ:
    with Path(os.environ["CHAOS_CLOCK"]).open("rb") as _file:
        _shared = mmap.mmap(_file.fileno(), 8, prot=mmap.PROT_READ)
    _error = struct.Struct("q")
    _time, _time_ns = time.time, time.time_ns

    time.time = lambda: _time() + _error.unpack_from(_shared)[0]
    time.time_ns = lambda: _time_ns() + _error.unpack_from(_shared)[0] * 1_000_000_000
