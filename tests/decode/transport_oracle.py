"""The same protocols one frame at a time, with a state for each stream: slow, plain, and written from the standards."""

from collections import Counter
from dataclasses import dataclass, field, replace

from tests.decode.transport_bus import Frame

PATIENCE = 5_000_000_000


@dataclass
class Open:
    """A transfer that has begun."""

    begun: Frame
    size: int
    next: int
    last_time: int
    payload: bytes = b""
    packets: dict[int, bytes] | None = None  # of RTS/CTS, by number
    pgn: int = 0
    used: int = 1


@dataclass
class Oracle:
    """What became of the frames seen so far."""

    protocol: str
    out: list[Frame] = field(default_factory=list)
    transfers: Counter = field(default_factory=Counter)
    segments: int = 0
    strays: int = 0
    streams: dict = field(default_factory=dict)
    latest: int = -(10**18)

    def feed(self, frames):
        """Take frames, in the order of the bus."""
        step = {"isotp": self._isotp, "fastpacket": self._fastpacket, "j1939": self._j1939}[self.protocol]
        for frame in frames:
            self.latest = max(self.latest, frame.time)
            step(frame)
        return self

    def finish(self):
        """Nothing more comes."""
        for key in list(self.streams):
            if self.latest - self.streams[key].last_time > PATIENCE:
                self._end(key, "timed out")
            else:
                self._end(key, "unfinished")
        return self

    def _end(self, key, how, time=None):
        if key in self.streams:
            if time is not None and time - self.streams[key].last_time > PATIENCE:
                how = "timed out"
            del self.streams[key]
            self.transfers[how] += 1

    def _begin(self, key, transfer):
        self._end(key, "interrupted", transfer.begun.time)
        self.streams[key] = transfer

    def _complete(self, key, frame, payload, arb_id=None):
        transfer = self.streams.pop(key)
        self.transfers["complete"] += 1
        self.segments += transfer.used - 1
        self.out.append(replace(frame, data=payload, arb_id=frame.arb_id if arb_id is None else arb_id))

    def _append(self, key, frame, number, part, full):
        """The next segment of a strict sequence."""
        transfer = self.streams.get(key)
        if transfer is None:
            self.strays += 1
            return
        ends = len(transfer.payload) + len(part) >= transfer.size
        if frame.time - transfer.last_time > PATIENCE:
            how = "timed out"
        elif number != transfer.next or len(frame.data) > full or (len(frame.data) < full and not ends):
            how = "out of sequence"
        else:
            transfer.payload += part
            transfer.used += 1
            transfer.next, transfer.last_time = transfer.next + 1, frame.time
            if ends:
                self._complete(key, frame, transfer.payload[: transfer.size])
            return
        self.segments += transfer.used
        del self.streams[key]
        self.transfers[how] += 1
        self.strays += 1

    def _drop(self, key):
        """Count the frames of a transfer that will not complete; its end is counted by whoever ends it."""
        if key in self.streams:
            self.segments += self.streams[key].used

    def _isotp(self, frame):
        key, data = (frame.channel, frame.arb_id, frame.extended), frame.data
        kind = data[0] >> 4 if data else -1
        if kind == 1 and len(data) >= 8:
            size, skip = (data[0] & 15) << 8 | data[1], 1
            if size == 0:
                size, skip = int.from_bytes(data[2:6], "big"), 5
            if len(data) - skip - 1 < size <= 1 << 20:
                self._drop(key)
                self._begin(key, Open(frame, size + 1, 1, frame.time, data[skip:]))
                return
        elif kind == 2 and len(data) > 1:
            full = len(self.streams[key].begun.data) if key in self.streams else 0
            number = data[0] & 15
            if key in self.streams and number == self.streams[key].next % 16:
                number = self.streams[key].next
            else:
                number = -1
            self._append(key, frame, number, data[1:], full)
            return
        elif kind == 0:
            self._drop(key)
            self._end(key, "interrupted", frame.time)
            if data[0] == 0 and len(data) > 8 and 0 < data[1] <= len(data) - 2:
                self.streams[key] = Open(frame, data[1] + 1, 1, frame.time, data[1:])
                self._complete(key, frame, data[1 : data[1] + 2])
                return
        self.out.append(frame)

    def _fastpacket(self, frame):
        key, data = (frame.channel, frame.arb_id), frame.data
        if (
            len(data) > 1
            and data[0] & 31 == 0
            and 0 < data[1] <= 223
            and (len(data) == 8 or len(data) - 2 >= data[1])
        ):
            self._drop(key)
            self._begin(key, Open(frame, data[1], data[0] + 1, frame.time, data[2:]))
            if len(data[2:]) >= data[1]:
                self._complete(key, frame, data[2 : 2 + data[1]])
            return
        skip = 2 if data and data[0] & 31 == 0 else 1
        self._append(key, frame, data[0] if data else -1, data[skip:], 8)

    def _j1939(self, frame):
        data, form = frame.data, frame.arb_id >> 16 & 0x3FF
        source, destination = frame.arb_id & 255, frame.arb_id >> 8 & 255
        key = (frame.channel, source, destination)
        if form == 0xEC:
            pgn = int.from_bytes(data[5:8], "little") & 0x3FFFF
            size = int.from_bytes(data[1:3], "little")
            if len(data) == 8 and data[0] in (16, 32) and 0 < size <= 1785 and data[3] == (size + 6) // 7:
                self._drop(key)
                packets = {} if data[0] == 16 else None
                self._begin(key, Open(frame, size, 1, frame.time, b"", packets, pgn))
                return
            if len(data) == 8 and data[0] == 255:
                for pair in {key, (frame.channel, destination, source)}:
                    if pair in self.streams and self.streams[pair].pgn == pgn:
                        self._drop(pair)
                        self._end(pair, "aborted", frame.time)
            self.out.append(frame)
            return
        if len(data) < 2:
            self.out.append(frame)
            return
        transfer = self.streams.get(key)
        pgn = transfer.pgn if transfer else 0
        target = pgn & 0x3FF00 | destination if pgn >> 8 & 255 < 240 else pgn
        before = len(self.out)
        if transfer is not None and transfer.packets is not None:
            self._packet(key, frame)
        else:
            self._append(key, frame, data[0], data[1:], 8)
        if len(self.out) > before:
            self.out[-1] = replace(self.out[-1], arb_id=6 << 26 | target << 8 | source)

    def _packet(self, key, frame):
        """One packet of RTS/CTS, which may be a repetition, and come in any order."""
        transfer, number = self.streams[key], frame.data[0]
        needed = (transfer.size + 6) // 7
        known = sum(map(len, transfer.packets.values()))
        fresh = number not in transfer.packets
        ends = known + (len(frame.data) - 1 if fresh else 0) >= transfer.size
        if frame.time - transfer.last_time > PATIENCE:
            how = "timed out"
        elif not 1 <= number <= needed or len(frame.data) > 8 or (len(frame.data) < 8 and not ends):
            how = "out of sequence"
        else:
            transfer.packets.setdefault(number, frame.data[1:])
            transfer.used += 1
            transfer.last_time = frame.time
            if ends:
                whole = b"".join(transfer.packets[number] for number in sorted(transfer.packets))
                self._complete(key, frame, whole[: transfer.size])
            return
        self.segments += transfer.used
        del self.streams[key]
        self.transfers[how] += 1
        self.strays += 1
