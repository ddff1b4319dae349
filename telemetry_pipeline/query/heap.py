"""How this process keeps what it frees: a server that was busy once gives its memory back."""

import ctypes
from typing import Final

import pyarrow as pa

_ARENA_MAX: Final = -8
"""M_ARENA_MAX of glibc's mallopt."""

_ARENAS: Final = 2


def give_back() -> None:
    """Keep little of what is freed; for processes that answer many threads, before those begin.

    Arrow's own pool and glibc's arenas keep pages for each thread that ever read anything: with the threads of a web
    server that is more than all caches together. Where there is no glibc, only Arrow is told.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
    except (AttributeError, OSError):
        return
