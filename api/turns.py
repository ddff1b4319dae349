"""Turns: few at a time, in the order in which they were asked for, and one more beside each that takes long.

What is done in a turn is others' business.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")

LONG_S: Final = 0.1
"""Who takes longer than this makes room for another: nobody waits for a year that is read for the first time."""


class Turns:
    """Runs what blocks in worker threads. Used from one event loop.

    Python computes in one thread at a time. Each time that one gives it up for a moment, to look at a file or to add up
    an array, another takes it, and both pay for the change: work that takes ten milliseconds is done sooner one after
    the other than side by side.

    Args:
        at_once: How many are done at a time as long as none of them takes long.
        most: How many are at most.
    """

    def __init__(self, at_once: int, most: int) -> None:
        self._most = most
        self._limiter = anyio.CapacityLimiter(at_once)
        self._threads = anyio.CapacityLimiter(most)

    async def run(self, work: Callable[[], T]) -> T:
        """Do something when it is its turn, and wait for it; once begun, it is not interrupted."""
        async with self._limiter:
            grown: list[bool] = []
            timer = asyncio.get_running_loop().call_later(LONG_S, self._make_room, grown)
            try:
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
            finally:
                timer.cancel()
                if grown:
                    self._limiter.total_tokens -= 1

    def _make_room(self, grown: list[bool]) -> None:
        if self._limiter.total_tokens < self._most:
            self._limiter.total_tokens += 1
            grown.append(True)
