"""Who watches which vehicle: one look at the lake for all live tails of it, in a worker thread, at a modest pace.

What a tail sends is `live_events`' business. A tail holds no queue: it compares what there is with what it has sent,
so a slow client costs no memory, and every client has its own pace.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Any, Final

from telemetry_pipeline.errors import TelemetryError, TransientError
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.arrivals import Arrivals, Objects

_log: Final = logging.getLogger(__name__)

POLL_S: Final = 1.0
POLL_REMOTE_S: Final = 2.0
"""Between two looks at a folder, or at a bucket, where each costs requests."""

TAILS_MAX: Final = 200
"""Live tails at once."""

Run = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs what blocks in a thread."""


class Feed:
    """The objects of a vehicle's newest days, while somebody watches them.

    Args:
        arrivals: Looks at the vehicle.
        run: Runs what blocks.
    """

    def __init__(self, arrivals: Arrivals, run: Run) -> None:
        self.objects: Objects = {}
        self.version = 0
        self.closing = False
        self.watchers = 0
        self.task: asyncio.Task[None] | None = None
        self._arrivals = arrivals
        self._run = run
        self._changed = asyncio.Event()

    async def look(self) -> None:
        """Look once.

        Raises:
            TransientError: The store does not answer.
        """
        objects = await self._run(self._arrivals.look)
        if objects != self.objects or not self.version:
            self.objects = objects
            self.version += 1
            self.wake()

    async def poll(self, pause_s: float) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self.look()
            except TelemetryError as error:  # those who watch wait until the store is well again
                _log.warning("live: %s", error)

    async def since(self, first: Partition, most: int) -> Objects | None:
        """Objects of earlier days (see `Arrivals.since`)."""
        found: Objects | None = await self._run(lambda: self._arrivals.since(first, most))
        return found

    async def news(self, version: int, seconds: float) -> bool:
        """Wait until there is another version, or the end; False when nothing came in so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.version == version and not self.closing:
                    await self._changed.wait()
        return self.version != version or self.closing

    def wake(self) -> None:
        """Wake everybody who waits."""
        self._changed.set()
        self._changed = asyncio.Event()


class Hub:
    """The feeds that are watched. It lives in one event loop.

    Args:
        store: The lake.
        run: Runs what blocks.
        pause_s: Between two looks; None: by where the lake is.
    """

    def __init__(self, store: Store, run: Run, pause_s: float | None = None) -> None:
        self._store = store
        self._run = run
        self._pause_s = pause_s or (POLL_REMOTE_S if store.root is None else POLL_S)
        self._feeds: dict[str, Feed] = {}
        self._tails = 0
        self._closing = False

    @asynccontextmanager
    async def watching(self, vehicle_id: str) -> AsyncIterator[Feed]:
        """The feed of a vehicle; the last who leaves ends it.

        Raises:
            BadKey: It is not a vehicle id.
            TransientError: The store does not answer, or as of `admit`.
        """
        self.admit()
        feed = self._feeds.get(vehicle_id)
        if feed is None:
            feed = self._feeds[vehicle_id] = Feed(Arrivals(self._store, vehicle_id), self._run)
        self._tails += 1
        feed.watchers += 1
        try:
            if not feed.version:
                await feed.look()
            if feed.task is None:
                feed.task = asyncio.get_running_loop().create_task(
                    feed.poll(self._pause_s),
                    context=Context(),  # it outlives whoever came first
                )
            yield feed
        finally:
            self._tails -= 1
            feed.watchers -= 1
            if not feed.watchers:
                self._feeds.pop(vehicle_id, None)
                if feed.task is not None:
                    feed.task.cancel()

    def admit(self) -> None:
        """Refuse one tail too many.

        Raises:
            TransientError: There are too many tails, or the service is about to end.
        """
        if self._closing or self._tails >= TAILS_MAX:
            why = "the service ends" if self._closing else f"there are {TAILS_MAX} live tails already"
            raise TransientError(why, remedy="Try again in a moment")

    def close(self) -> None:
        """Let every tail end: a server that stops waits for its answers. To be called in the event loop."""
        self._closing = True
        for feed in self._feeds.values():
            feed.closing = True
            feed.wake()
