"""How this process keeps what it frees: a server that was busy once gives its memory back."""

import ctypes
from typing import Final

import pyarrow as pa

_ARENA_MAX: Final = -8
_MMAP_THRESHOLD: Final = -3
"""M_ARENA_MAX and M_MMAP_THRESHOLD of glibc's mallopt."""

_ARENAS: Final = 2
_OWN_PAGES: Final = 1 << 19
"""What is at least as large has pages of its own, which go when it does: a decoded column of a row group has 1 MB."""


def give_back() -> None:
    """Keep little of what is freed; for processes that answer many threads, before those begin.

    Arrow's own pool and glibc's arenas keep pages for each thread that ever read anything: with the threads of a web
    server that is more than all caches together. Where there is no glibc, only Arrow is told.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(_ARENA_MAX, _ARENAS)
        libc.mallopt(_MMAP_THRESHOLD, _OWN_PAGES)
    except (AttributeError, OSError):
        return
