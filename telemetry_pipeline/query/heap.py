"""How this process keeps what it frees: enough to be quick, and no more for long."""

import ctypes
import os
import threading
from pathlib import Path
from typing import Final

import pyarrow as pa

_ARENA_MAX: Final = -8
_MMAP_THRESHOLD: Final = -3
_TRIM_THRESHOLD: Final = -1
"""M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of glibc's mallopt."""

_ARENAS: Final = 2
_OWN_PAGES: Final = 32 << 20
"""What is at least as large has pages of its own, which go when it does. Pages that are new each time cost ten times what
is done with them: an hour of samples at 100 Hz is 3 MB, and is copied some times until it is drawn."""

_KEPT: Final = 64 << 20
"""So much stays at the end of an arena."""

_LARGE: Final = 200 << 20
_GROWN: Final = 24 << 20
_EVERY_S: Final = 0.5
_LOOKS: Final = 6
"""A large process is trimmed every so many looks, and at once when it has grown."""


def give_back() -> None:
    """Keep little of what is freed; for processes that answer many threads, before those begin.

    Arrow's own pool and glibc's arenas keep pages for each thread that ever read anything: with the threads of a web
    server that is more than all caches together. So there are two arenas, and what lies free in them is given back
    whenever the process has grown. Where there is no glibc, only Arrow is told.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(_ARENA_MAX, _ARENAS)
        libc.mallopt(_MMAP_THRESHOLD, _OWN_PAGES)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)
        trim = libc.malloc_trim
    except (AttributeError, OSError):
        return
    threading.Thread(target=_trim_for_ever, args=(trim,), name="heap", daemon=True).start()


def _trim_for_ever(trim: "ctypes._FuncPointer") -> None:
    """Give back what lies free between things in use, whenever there may be much of it."""
    never = threading.Event()
    left, looks = _LARGE, 0
    while not never.wait(_EVERY_S):
        resident, looks = _resident(), looks + 1
        # what was in use the last time may be free by now
        if resident > left + _GROWN or (looks >= _LOOKS and resident > _LARGE + _GROWN):
            trim(0)
            left, looks = max(_resident(), _LARGE), 0


def _resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
