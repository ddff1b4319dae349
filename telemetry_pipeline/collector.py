"""Python's collector of reference cycles, kept still while an object is decoded.

A loaded CAN database is some hundred thousand Python objects. Decoding one small raw object makes thousands more, all of
them free of cycles, and every few objects the collector would walk through all that: a third of the work.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Collect no cycles while the block runs; afterwards as before."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
