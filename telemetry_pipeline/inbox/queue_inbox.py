"""The inbox of a bucket whose events a queue holds: nothing is listed, whatever the lake's size.

A message is deleted once every object that it announces is settled: decoded, quarantined, gone, or set aside in the
lake's memory. Until then it is held, and whoever dies holding it gives it back. An object that fails for a while
comes again after a wait that doubles with each time.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from telemetry_pipeline.errors import BadDbc, BadKey, BadSetting, NotFound, TelemetryError, Unforeseen
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.inbox.queue import Queue, Received
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.strays import quarantine_key_of
from telemetry_pipeline.s3_events import LakeBucket, Message, read_message

_log: Final = logging.getLogger(__name__)

HOLD_S: Final = 300
"""How long a message is held without a word; it is held anew when half of it is over."""

FIRST_WAIT_S: Final = 30
LONGEST_WAIT_S: Final = 900
WAIT_S: Final = 1
"""How long the queue is asked to wait for a message when it seems empty: it asks few of its servers else."""

_ASKED_AT_ONCE: Final = 16


@dataclass
class _Held:
    """A message in hand, and what it announces that is not settled."""

    received: Received
    since: float
    open: set[RawObject] = field(default_factory=set)
    strays: set[str] = field(default_factory=set)

    @property
    def done(self) -> bool:
        return not self.open and not self.strays


class QueueInbox(Inbox):
    """What waits in a bucket, as its events say.

    Args:
        store: The lake, a bucket.
        queue: The queue that takes its events.

    Attributes:
        ignored: Announcements so far that are of no raw object of this lake.

    Raises:
        BadSetting: The lake is no bucket.
    """

    def __init__(self, store: Store, queue: Queue) -> None:
        super().__init__(store)
        place = LakeBucket.of(store.url)
        if place is None:
            raise BadSetting(
                "a folder has no events", "TELEMETRY_INBOX_QUEUE", "Leave it out, or use an s3:// lake"
            )
        self._place = place
        self._queue = queue
        self._held: dict[str, _Held] = {}
        self._by_raw: dict[RawObject, list[_Held]] = {}
        self._done: list[str] = []
        self.ignored = 0

    def rings(self) -> bool:
        """Whether the queue holds anything, or something set aside waits no longer."""
        self._aside.refresh()
        return (
            bool(self._aside.ripe_partitions())
            or any(True for _ in self._aside.ripe_objects())
            or self._queue.depth() > 0
        )

    def settle(self, raw: RawObject) -> None:
        """See `Inbox.settle`; its messages are deleted with the next `save`, when nothing else of them is open."""
        super().settle(raw)
        for held in self._holding(raw):
            held.open.discard(raw)
            self._let_go_if_done(held)

    def leave(self, raw: RawObject, error: TelemetryError) -> None:
        """See `Inbox.leave`; what may mend itself comes again from the queue."""
        if isinstance(error, BadDbc | Unforeseen):
            super().leave(raw, error)  # the lake's memory has it now, and the queue need not repeat it
            for held in self._holding(raw):
                held.open.discard(raw)
                self._let_go_if_done(held)
            return
        self._given.discard(raw)
        for held in self._holding(raw):
            wait_s = min(FIRST_WAIT_S * 2 ** min(held.received.times - 1, 10), LONGEST_WAIT_S)
            self._queue.hold([(held.received.handle, wait_s)])
            self._held.pop(held.received.handle, None)

    def strays(self) -> list[str]:
        """Keys under raw/ that were announced and are no raw objects."""
        return sorted({key for held in self._held.values() for key in held.strays})

    def settle_stray(self, key: str) -> None:
        """See `Inbox.settle_stray`."""
        for held in list(self._held.values()):
            if key in held.strays:
                held.strays.discard(key)
                self._let_go_if_done(held)

    def keep(self) -> None:
        """Hold what is in hand for longer, and delete what is settled."""
        self.save()
        now = time.monotonic()
        old = [held for held in self._held.values() if now - held.since > HOLD_S / 2]
        self._queue.hold((held.received.handle, HOLD_S) for held in old)
        for held in old:
            held.since = now

    def save(self) -> None:
        """Write the memory, then delete the messages of which everything is settled."""
        super().save()  # first: what is deleted from the queue must be remembered elsewhere
        done, self._done = self._done, []
        self._queue.delete(done)

    def close(self) -> None:
        """Save, and give back the messages of which something is not settled."""
        self.save()
        held, self._held = self._held, {}
        self._queue.hold((handle, 0) for handle in held)

    def _find(self) -> Iterator[RawObject]:
        for message in self._messages():
            open_ = sorted(message.open)
            # what is set aside is in the lake's memory already
            for raw in open_:
                if self._aside.holds(raw):
                    if self._aside.holds_vehicle(raw.partition.vehicle_id):
                        self._aside.note(raw.partition)
                    message.open.discard(raw)
            self._let_go_if_done(message)
            yield from open_

    def _messages(self) -> Iterator[_Held]:
        """Messages until there are none, with what of them is not settled already."""
        wait_s = WAIT_S
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            while received := self._queue.receive(hold_s=HOLD_S, wait_s=wait_s):
                wait_s = 0
                messages = [self._hold(item) for item in received]
                raws = sorted({raw for message in messages for raw in message.open} - self._given)
                settled = {
                    raw
                    for raw, is_settled in zip(raws, pool.map(self._is_settled, raws), strict=True)
                    if is_settled
                }
                for message in messages:
                    message.open -= settled
                    for raw in message.open:
                        self._by_raw.setdefault(raw, []).append(message)
                    self._let_go_if_done(message)
                    yield message

    def _hold(self, received: Received) -> _Held:
        held = _Held(received, time.monotonic())
        self._held[received.handle] = held
        message = read_message(received.message_id, received.body)
        if message.fault:
            self._refuse(received, message)
        self.ignored += message.ignored
        for item in message.objects:
            key = self._place.key_of(item)
            if key is None or not key.startswith(f"{layout.RAW}/"):
                self.ignored += 1
                continue
            try:
                held.open.add(RawObject.parse(key))
            except BadKey:
                held.strays.add(key)
        return held

    def _refuse(self, received: Received, message: Message) -> None:
        """Keep a message that nobody understands where a person finds it; the queue would repeat it for ever."""
        key = f"{quarantine_key_of(f'queue/{received.message_id}')}.json"
        what = {
            "reason": message.fault,
            "queue": self._queue.url,
            "body": received.body,
            "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        }
        self._store.put(key, json.dumps(what, indent=2).encode())
        _log.warning("quarantined: message %s of %s: %s", received.message_id, self._queue.url, message.fault)

    def _is_settled(self, raw: RawObject) -> bool:
        """Whether an announced object is dealt with, with the bytes that it has now: events come twice."""
        if self._store.head(raw.decoded_key) is None:
            return False
        try:
            return ledger.settled(self._store, raw)
        except NotFound:
            return True  # it is gone, its receipt is there

    def _holding(self, raw: RawObject) -> list[_Held]:
        """The messages in hand that wait for an object; they wait for it no more."""
        return [held for held in self._by_raw.pop(raw, []) if held.received.handle in self._held]

    def _let_go_if_done(self, held: _Held) -> None:
        if held.done and self._held.pop(held.received.handle, None) is not None:
            self._done.append(held.received.handle)
