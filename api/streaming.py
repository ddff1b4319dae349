"""Answers that are made while they are sent: in a worker thread, piece by piece, no faster than the client takes them.

What the pieces are is others' business. An answer that fails after it began ends with a broken connection, which no
client takes for an end.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

PARALLEL: Final = 2
"""Pieces that are made at once, of all streams together: further ones wait, and quick questions find threads."""


class Workers:
    """Runs what blocks in worker threads, so many at once.

    Args:
        parallel: How many.
    """

    def __init__(self, parallel: int = PARALLEL) -> None:
        self._limiter = anyio.CapacityLimiter(parallel)

    async def run(self, work: Callable[[], T]) -> T:
        """Run it and wait; it is not interrupted, so it should not take long."""
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    async def pieces(self, made: Generator[T, None, None]) -> AsyncGenerator[T, None]:
        """What a generator makes, each piece when the one before is sent; it is closed whatever happens."""
        try:
            # None ends it: StopIteration cannot leave a thread's future
            while (piece := await self.run(lambda: next(made, None))) is not None:
                yield piece
        finally:
            with anyio.CancelScope(shield=True):
                await self.run(made.close)


class Stream(StreamingResponse):
    """A streamed answer whose pieces end with it: at its end, on an error, or when the client is gone."""

    body_iterator: AsyncGenerator[bytes, None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self.body_iterator.aclose()
