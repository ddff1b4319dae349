"""One live tail: the server-sent events of one client, from what was decoded to the bytes on the wire.

The events and what is in them are described in docs/http.md.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from api.encode import to_ms
from api.live import Feed, Hub, Run
from api.live_cursor import Cursor, digest_of
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS, format_instant
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.arrivals import Objects
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.reader import SignalName

HEARTBEAT_S: Final = 15.0
"""After so long without an event a comment is sent: proxies end connections that are silent for a minute."""

EVENT_POINTS: Final = 5_000
"""Points of one event; what an object holds beyond them comes in further events."""

CATCH_UP_DAYS: Final = 7
"""Days with data that a tail catches up on; whoever was away for longer is told to ask anew."""

Columns = tuple[NDArray[np.int64], NDArray[np.float64], str]
"""Times, values and unit of a signal."""

_RETRY: Final = b"retry: 3000\n\n"
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass
class Tail:
    """A live tail. It is iterated once.

    Attributes:
        hub: Watches the vehicle.
        objects: Reads objects.
        run: Runs what blocks.
        vehicle_id: The vehicle.
        wanted: The signals.
        resumed: Where it goes on; None: with what comes next.
        heartbeat_s: See `HEARTBEAT_S`.
    """

    hub: Hub
    objects: ObjectReader
    run: Run
    vehicle_id: str
    wanted: Sequence[SignalName]
    resumed: Cursor | None = None
    heartbeat_s: float = HEARTBEAT_S
    _sent: dict[str, ObjectInfo] = field(default_factory=dict)
    _newest_ns: int = MIN_NS
    _told: str = ""

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The events as they are sent.

        Raises:
            TransientError: The store does not answer.
        """
        yield _RETRY
        async with self.hub.watching(self.vehicle_id) as feed:
            async for event in self._follow(feed):
                yield event

    async def _follow(self, feed: Feed) -> AsyncGenerator[bytes, None]:
        version, current = feed.version, dict(feed.objects)
        earlier = await self._begin(feed, current)
        if earlier is None:
            yield self._event("reset", {"reason": f"away for more than {CATCH_UP_DAYS} days with data"})
            earlier = {}
        yield self._event("ready", {"newest_time": _instant(self._newest_ns)})
        while True:
            for info in self._news({**earlier, **current}):
                async for event in self._of_object(info):
                    yield event
                if feed.closing:
                    return
            earlier = {}
            while not await feed.news(version, self.heartbeat_s):
                yield self._heartbeat()
            if feed.closing:
                return
            version, current = feed.version, dict(feed.objects)

    async def _begin(self, feed: Feed, current: Objects) -> Objects | None:
        """Know what was sent; the objects of earlier days to be caught up on, or None if these are too many."""
        earlier: Objects | None = {}
        if self.resumed is not None:
            self._newest_ns = self.resumed.newest_ns
            first = Partition(self.vehicle_id, date.fromordinal(_EPOCH + self.resumed.day)).shifted(-1)
            earlier = await feed.since(first, CATCH_UP_DAYS)
        if self.resumed is None or earlier is None:
            self._sent = dict(current)
            self._newest_ns = await self.run(lambda: self._newest_of(current))
            return earlier
        self._sent = {key: info for key, info in {**earlier, **current}.items() if self.resumed.has(info)}
        return earlier

    def _newest_of(self, current: Objects) -> int:
        """The newest sample, as the last objects by name have it; they are named by their times."""
        last = [current[key] for key in sorted(current)[-1:]]
        return max(
            (run.last_ns for index in self.objects.indexes(last) if index for run in index.runs.values()),
            default=MIN_NS,
        )

    def _news(self, there: Objects) -> list[ObjectInfo]:
        news = [info for key, info in there.items() if self._sent.get(key) != info]
        self._sent = {key: info for key, info in self._sent.items() if key in there}
        return sorted(news, key=lambda info: (info.modified_ns, info.key))

    async def _of_object(self, info: ObjectInfo) -> AsyncGenerator[bytes, None]:
        name = DecodedObject.parse(info.key).stem
        before = self._sent.get(info.key)
        if before is not None and before.etag == info.etag:  # written again with the same bytes
            self._sent[info.key] = info
            return
        samples = await self.run(lambda: self._read(info))
        if samples is None:
            self._sent[info.key] = info
            yield self._event("skipped", {"object": name})
            return
        times = [t for t, _, _ in samples.values()]
        if not times:
            self._sent[info.key] = info
            return
        first, last = min(int(t[0]) for t in times), max(int(t[-1]) for t in times)
        if before is not None:
            self._sent[info.key] = info
            span = {"start_time": _instant(first), "end_time": _instant(last + 1)}
            yield self._event("changed", {"object": name, **span})
            return
        late = first <= self._newest_ns
        newest_ns = max(self._newest_ns, last)
        part = self.resumed.part if self.resumed else None
        already = part[1] if part and part[0] == digest_of(info) else 0
        pieces = list(_pieces(samples))
        for number, piece in enumerate(pieces, 1):
            if number <= already:
                continue
            whole = number == len(pieces)
            if whole:
                self._sent[info.key] = info
                self._newest_ns = newest_ns
            payload = {"object": name, "late": late, "signals": piece}
            yield self._event("points", payload, None if whole else (digest_of(info), number))

    def _read(self, info: ObjectInfo) -> dict[SignalName, Columns] | None:
        """Times, values and unit of the wanted signals that an object has; None where it cannot be read."""
        (index,) = self.objects.indexes([info])
        if index is None:
            return None
        runs = index.within(self.wanted, MIN_NS, MAX_NS)
        if not runs:
            return {}
        (part,) = self.objects.parts([(info, runs)], MIN_NS, MAX_NS)
        if part is None:
            return None
        return {
            name: (*samples, runs[name].unit) for name, samples in part.samples.items() if len(samples[0])
        }

    def _event(self, kind: str, payload: Mapping[str, Any], part: tuple[str, int] | None = None) -> bytes:
        self._told = self._cursor(part)
        body = orjson.dumps(payload, option=orjson.OPT_SERIALIZE_NUMPY)
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (self._told.encode(), kind.encode(), body)

    def _heartbeat(self) -> bytes:
        """A comment; with a new id where objects came that hold nothing that is wanted."""
        now = self._cursor(None)
        if now == self._told:
            return b": \n\n"
        self._told = now
        return b"id: %s\n\n" % now.encode()

    def _cursor(self, part: tuple[str, int] | None) -> str:
        days = {DecodedObject.parse(key).partition.date.toordinal() for key in self._sent}
        # a day that a wrong clock made does not stand for all before it
        tomorrow = datetime.now(UTC).toordinal() + 1
        day = max([day for day in days if day <= tomorrow] or days, default=_EPOCH) - _EPOCH
        return str(Cursor.after(self._sent.values(), day, self._newest_ns, part))


def _pieces(samples: Mapping[SignalName, Columns]) -> Iterator[list[dict[str, Any]]]:
    """The points of an object in lists of at most `EVENT_POINTS`, always the same for the same object."""
    piece: list[dict[str, Any]] = []
    room = EVENT_POINTS
    for (message, signal), (t, v, unit) in sorted(samples.items()):
        at = 0
        while at < len(t):
            stop = min(at + room, len(t))
            columns = {"t": to_ms(t[at:stop]), "v": v[at:stop]}
            piece.append({"name": signal, "message_name": message, "unit": unit, **columns})
            room -= stop - at
            at = stop
            if not room:
                yield piece
                piece, room = [], EVENT_POINTS
    if piece:
        yield piece


def _instant(ns: int) -> str | None:
    return None if ns == MIN_NS else format_instant(ns)
