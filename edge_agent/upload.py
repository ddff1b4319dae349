"""From the spool to the lake, in a thread of its own: capture never waits for a network.

A window leaves the spool only when the lake is known to have it.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from edge_agent.spool import Spool
from edge_agent.window_name import name_by_content
from edge_agent.worker import MACHINE, Pause, Steady, Worker
from telemetry_pipeline.errors import AlreadyExists, NotFound, PermanentError, TelemetryError, TransientError
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import open_object
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.windows import sibling

log = logging.getLogger("edge_agent.upload")

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 300.0
REFUSED_WAIT_S: Final = 300.0

SOME: Final = 16
"""Windows of one round: the spool is looked at again after them."""

NEWEST_EVERY: Final = 4


@dataclass
class Landed:
    """What has reached the lake since the start."""

    objects: int = 0
    frames: int = 0
    bytes: int = 0


@dataclass
class _Refused:
    """Windows that the lake or the disk refuses: when each is tried again (monotonic seconds), and what was told of it."""

    until: dict[RawObject, float] = field(default_factory=dict)
    told: dict[RawObject, str] = field(default_factory=dict)

    def forget_but(self, waiting: Sequence[RawObject]) -> None:
        """Forget windows that wait no longer: a lake may refuse for months, and what there is no room for goes."""
        there = set(waiting)
        self.until = {raw: at for raw, at in self.until.items() if raw in there}
        self.told = {raw: line for raw, line in self.told.items() if raw in there}


class Uploader(Worker):
    """Uploads what waits in the spool, oldest first, with every fourth upload for the newest.

    So what is next to be given up for want of room goes first, and a dashboard is live soon after a tunnel.
    While the lake does not answer, it is tried with the oldest window after a random wait of up to 2 s, 4 s, 8 s …
    300 s (full jitter: Brooker, "Exponential Backoff And Jitter", 2015). A window that the lake refuses is told
    of once, kept, and tried again every 300 s; the others go on.

    Args:
        open_store: Opens the lake; called until it succeeds.
        spool: Where the windows wait.
        bytes_per_s: The most that is sent in a second, on average; None is no limit.
        keep: Leave copies of what has landed in the spool, for as long as there is room.
        steady: The time in which it waits.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        spool: Spool,
        *,
        bytes_per_s: float | None = None,
        keep: bool = False,
        steady: Steady = MACHINE,
    ) -> None:
        super().__init__("upload", steady)
        self.landed = Landed()
        self.failed = 0
        """How often an upload did not succeed."""
        self._open_store = open_store
        self._store: Store | None = None
        self.spool = spool
        self.bytes_per_s = bytes_per_s
        self.keep = keep
        self._stuck: set[RawObject] = set()
        self._refused = _Refused()
        self._failures = 0

    def _round(self, *, final: bool) -> Pause:  # noqa: ARG002  the last round is like any other
        """Upload some of what waits."""
        now = self._steady.now()
        self._let_go()
        there = self.spool.waiting()
        self._refused.forget_but(there)
        waiting = [
            raw for raw in there if raw not in self._stuck and self._refused.until.get(raw, 0.0) <= now
        ]
        for raw in in_turn(waiting, SOME):
            self.spool.in_hand = raw
            try:
                self.deliver(raw)
            except TransientError as error:
                self.failed += 1
                # a new window does not make the network come back
                return Pause(self._back_off(error), ends_with_news=False)
            except FileNotFoundError:  # given up for want of room
                continue
            except (TelemetryError, OSError) as error:
                self.failed += 1
                self._refused.until[raw] = now + REFUSED_WAIT_S
                self._tell_once(raw, error)
            else:
                self._failures = 0
                self._refused.until.pop(raw, None)
            finally:
                self.spool.in_hand = None
        if len(waiting) > SOME:  # newer ones may have come
            return Pause(0.0)
        return Pause(REFUSED_WAIT_S if self._refused.until else LONGEST_WAIT_S)

    def deliver(self, raw: RawObject) -> RawObject:
        """Bring one window from the spool to the lake.

        Its name is made of its bytes: a key that is taken says that it has arrived before, and the answer was lost.
        An agent that may read looks whether that is so; if other bytes are there, it takes the next free name.

        Returns:
            What it is called in the lake.

        Raises:
            TransientError: The lake does not answer.
            PermanentError: The lake refuses, or the window is not readable.
            OSError: The spool cannot be read.
        """
        if self._store is None:
            self._store = self._open_store()
        body = self.spool.read(raw)
        named = name_by_content(raw, body)
        frames = open_object(body, raw.key).metadata.num_rows
        for nth in count():
            name = sibling(named, nth)
            try:
                self._store.put(name.key, body, create_only=True)
            except AlreadyExists:
                if not self._holds(name, body):
                    continue
            break
        try:
            self.spool.remove(raw, keep=self.keep)
        except OSError as error:  # a disk that can only be read: it must not land again and again
            self._stuck.add(raw)
            self._tell_once(raw, error)
        self.landed.objects += 1
        self.landed.frames += frames
        self.landed.bytes += len(body)
        log.info("landed %s: %d frames, %d bytes", name.key, frames, len(body))
        if self.bytes_per_s:
            self._rest(len(body) / self.bytes_per_s)
        return name

    def _let_go(self) -> None:
        """Remove what has landed and could not be removed; the disk may have become one that can be written."""
        for raw in list(self._stuck):
            with suppress(OSError):
                self.spool.remove(raw, keep=self.keep)
                self._stuck.discard(raw)

    def _holds(self, name: RawObject, body: bytes) -> bool:
        """Whether the lake holds these very bytes; the name says so to an agent that may only write."""
        if self._store is None:
            return False
        try:
            return self._store.get(name.key) == body
        except NotFound:
            return False
        except PermanentError:
            return True

    def _back_off(self, error: TransientError) -> float:
        ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures, 16))
        self._failures += 1
        wait = random.uniform(0, ceiling)  # noqa: S311  it spreads a fleet, it guards nothing
        log.warning("%s; trying again in %.1f s (%d windows wait)", error, wait, len(self.spool.waiting()))
        return wait

    def _tell_once(self, raw: RawObject, error: Exception) -> None:
        if (line := str(error)) != self._refused.told.get(raw):
            self._refused.told[raw] = line
            log.error("%s; the window is kept and tried again every %d s", line, REFUSED_WAIT_S)


def in_turn(waiting: list[RawObject], most: int) -> list[RawObject]:
    """The first `most` of what waits (oldest first) in the order of their upload: every fourth is the newest left."""
    left = deque(waiting)
    order: list[RawObject] = []
    while left and len(order) < most:
        order.append(left.pop() if len(order) % NEWEST_EVERY == 1 else left.popleft())
    return order
