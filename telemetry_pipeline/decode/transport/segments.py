"""Which frames make one transfer, for all transfers of a table at once: what the protocols have in common.

A transfer is a first frame and the segments that follow it in the same stream. What a protocol's bytes mean is its
own file's business.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.payload import Payloads, Rows

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TIMEOUT_NS: Final = 5_000_000_000
"""A longer pause between two segments ends a transfer. The standards give up after 0.75 to 1.25 s; recordings have
coarser clocks, and late frames on a busy bus are better used than dropped."""

COMPLETE: Final = "complete"
INTERRUPTED: Final = "interrupted"
OUT_OF_SEQUENCE: Final = "out of sequence"
TIMED_OUT: Final = "timed out"
ABORTED: Final = "aborted"

_NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Carriers:
    """The frames of a table that speak one protocol, in the order of the bus.

    Attributes:
        rows: Their positions in the table, shape (n,).
        keys: Their arbitration ids, with `EXTENDED_BIT` for extended ones, shape (n,).
        sources: A number for the vehicle and channel of each, shape (n,).
        times: Nanoseconds since 1970 UTC, shape (n,).
        payloads: The payloads of the whole table.
    """

    rows: Rows
    keys: Numbers
    sources: Numbers
    times: Numbers
    payloads: Payloads

    @property
    def lengths(self) -> Numbers:
        """Bytes of each payload, shape (n,)."""
        offsets = self.payloads.offsets
        return (offsets[self.rows + 1] - offsets[self.rows]).astype(np.int64)

    def byte(self, at: int) -> Numbers:
        """Byte `at` of each payload, shape (n,); of no meaning behind a payload's end."""
        return self.payloads.body[self.payloads.offsets[self.rows].astype(np.intp) + at].astype(np.int64)

    def number(self, at: int, size: int, *, big_endian: bool) -> Numbers:
        """An unsigned number of `size` bytes from byte `at` on, shape (n,)."""
        parts = [self.byte(at + k) for k in range(size)]
        found = np.zeros(len(self.rows), np.int64)
        for part in parts if big_endian else reversed(parts):
            found = found << 8 | part
        return found


@dataclass(frozen=True)
class Segments:
    """The frames of one protocol as events, in the order of the bus; every array has shape (n,).

    Attributes:
        rows: Positions in the table.
        streams: Frames of one number may belong together: vehicle, channel, and whatever the protocol adds.
        times: Nanoseconds since 1970 UTC.
        first: It begins a transfer.
        ends: It ends the transfer before it without being a part of one, as a single frame does.
        aborts: It ends it on purpose; among `ends`.
        number: Its sequence number; the k-th segment after a first frame has the first frame's number + k.
        skip: Bytes before its part of the payload.
        lengths: Bytes of its frame.
        frame: For a first frame: bytes that every following frame has, except the last, which may be shorter.
        size: For a first frame: bytes of the whole payload.
        repeats: For a first frame: segments may come again and in any order (numbers count from 1).
        keys: For a first frame: the arbitration id of the long frame, with `EXTENDED_BIT`.
        modulus: Sequence numbers are counted modulo this.
    """

    rows: Rows
    streams: Numbers
    times: Numbers
    first: Mask
    ends: Mask
    aborts: Mask
    number: Numbers
    skip: Numbers
    lengths: Numbers
    frame: Numbers
    size: Numbers
    repeats: Mask
    keys: Numbers
    modulus: int

    def take(self, at: npt.NDArray[np.intp]) -> "Segments":
        """Some events, in their order."""
        arrays = {name: value[at] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return Segments(**arrays, modulus=self.modulus)


@dataclass(frozen=True)
class Traced:
    """What became of the events of one protocol.

    Attributes:
        parts: Rows that belong to a transfer, whether it completed or not.
        strays: Rows of segments that belong to none.
        open: Rows of transfers that more frames may complete.
        opened: How many transfers those are.
        ended: The transfers that are over, by how they ended.
        last: The row of each complete transfer's last frame, shape (complete,).
        keys: The arbitration id of each, with `EXTENDED_BIT`, shape (complete,).
        sizes: Bytes of each, shape (complete,).
        pieces: Row, first byte and number of bytes of everything that makes up the payloads, one after the other,
            each of shape (pieces,).
    """

    parts: Rows
    strays: Rows
    open: Rows
    opened: int
    ended: dict[str, int]
    last: Rows
    keys: Numbers
    sizes: Numbers
    pieces: tuple[Rows, Numbers, Numbers]


def trace(events: Segments, latest_ns: int) -> Traced:
    """Follow every transfer to its end.

    A first frame, or a frame that `ends`, interrupts the transfer before it in its stream. A segment with another
    number than the next one, or of another length, breaks it off; what follows is stray until a first frame.

    Args:
        events: The frames of one protocol.
        latest_ns: The time that the recording has reached: older open transfers have timed out.
    """
    events = events.take(np.argsort(events.streams, kind="stable"))
    count = len(events.rows)
    if not count:
        none, nothing = np.empty(0, np.intp), np.empty(0, np.int64)
        return Traced(none, none, none, 0, {}, none, nothing, nothing, (none, nothing, nothing))
    at = np.arange(count)
    changes = np.concatenate([[True], events.streams[1:] != events.streams[:-1]])
    begins = np.flatnonzero(changes | events.first | events.ends)
    group = np.searchsorted(begins, at, side="right") - 1
    head = begins[group]
    position = at - head
    headed = events.first[begins]

    need = events.size[head]
    fresh = _first_of_their_number(events, group, head, position)
    amount = np.where(fresh, events.lengths - events.skip, 0)
    reached = np.cumsum(amount)
    reached -= (reached - amount)[head]
    done = reached >= need
    late = (position > 0) & (np.diff(events.times, prepend=events.times[0]) > TIMEOUT_NS)
    bad = (position > 0) & (late | _misplaced(events, head, position, done))

    first_bad = np.minimum.reduceat(np.where(bad, position, _NEVER), begins)
    first_done = np.minimum.reduceat(np.where(done, position, _NEVER), begins)
    complete = headed & (first_done < first_bad)
    used = headed[group] & (position < first_bad[group]) & (position <= first_done[group])
    segments = ~events.ends

    misplaced = first_bad != _NEVER
    cut = np.where(late[np.where(misplaced, begins + first_bad * misplaced, 0)], TIMED_OUT, OUT_OF_SEQUENCE)
    is_open, ended = _close(events, begins, headed & ~complete, np.where(misplaced, cut, ""), latest_ns)
    if complete.any():
        ended[COMPLETE] = int(np.count_nonzero(complete))
    pieces = np.flatnonzero(used & complete[group] & fresh)
    # where segments come in any order their numbers, not their times, say where they belong
    place = np.where(events.repeats[head], events.number * (position > 0), position)[pieces]
    pieces = pieces[np.lexsort((place, group[pieces]))]
    amounts, sizes = amount[pieces], need[pieces]
    ends_at = np.cumsum(amounts)
    starts = np.flatnonzero(np.diff(group[pieces], prepend=-1))
    base = np.repeat((ends_at - amounts)[starts], np.diff(starts, append=len(pieces)))
    amounts = np.minimum(amounts, sizes - (ends_at - amounts - base))
    finished = begins[complete]
    return Traced(
        parts=events.rows[used],
        strays=events.rows[segments & ~used],
        open=events.rows[used & is_open[group]],
        opened=int(np.count_nonzero(is_open)),
        ended=ended,
        last=events.rows[finished + first_done[complete]],
        keys=events.keys[finished],
        sizes=events.size[finished],
        pieces=(events.rows[pieces], events.skip[pieces], amounts),
    )


def _first_of_their_number(events: Segments, group: Numbers, head: Numbers, position: Numbers) -> Mask:
    """All events but the repetitions in transfers whose segments may come again."""
    fresh = np.ones(len(group), bool)
    again = np.flatnonzero(events.repeats[head] & (position > 0))
    if len(again):
        _, kept = np.unique(group[again] << 32 | events.number[again], return_index=True)
        fresh[again] = False
        fresh[again[kept]] = True
    return fresh


def _misplaced(events: Segments, head: Numbers, position: Numbers, done: Mask) -> Mask:
    expected = (events.number[head] + position) % events.modulus
    strange = events.number != expected
    anywhere = events.repeats[head]
    if anywhere.any():
        needed = -(-events.size[head] // np.maximum(events.frame[head] - 1, 1))
        strange = np.where(anywhere, (events.number < 1) | (events.number > needed), strange)
    frame = events.frame[head]
    misplaced: Mask = strange | (events.lengths > frame) | ((events.lengths < frame) & ~done)
    return misplaced


def _close(
    events: Segments, begins: Rows, broken: Mask, cut: npt.NDArray[np.str_], latest_ns: int
) -> tuple[Mask, dict[str, int]]:
    """Which transfers more frames may complete, shape (groups,), and why the other broken ones ended.

    Args:
        events: All events, by stream.
        begins: Where each group of events begins.
        broken: The groups that are transfers and not complete.
        cut: Why a segment broke a group off, "" where none did.
        latest_ns: The time that the recording has reached.
    """
    following = np.append(begins[1:], len(events.rows))
    after = np.minimum(following, len(events.rows) - 1)
    followed = (following < len(events.rows)) & (events.streams[after] == events.streams[begins])
    until = np.where(followed, events.times[after], latest_ns)
    quiet = until - events.times[following - 1] > TIMEOUT_NS
    reasons = np.select(
        [cut != "", quiet, followed & events.aborts[after], followed],
        [cut, TIMED_OUT, ABORTED, INTERRUPTED],
        default="",
    )
    is_open = broken & (reasons == "")
    return is_open, dict(Counter(reasons[broken & ~is_open].tolist()))
