"""Journals of an earlier start: when were their frames, by whatever is known of it now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from edge_agent.journal import Block, ClockState, Reading
from edge_agent.journal_name import JournalName

KNOWN, UNSYNCED, ESTIMATED = "known", "unsynced", "estimated"
"""What a raw object's footer says of its times: vouched for, by a clock that nobody vouched for, or by their place."""

MARKS: Mapping[ClockState, str] = {ClockState.KNOWN: KNOWN, ClockState.UNSYNCED: UNSYNCED}


@dataclass(frozen=True)
class Date:
    """What to add to a journal's times, in nanoseconds, and how sure that is."""

    offset: int
    mark: str


@dataclass(frozen=True)
class Span:
    """What is known of one journal's times.

    Attributes:
        name: The journal.
        first: Its first frame, nanoseconds since the boot.
        last: Its last frame.
        state: The best that its blocks say of the clock.
        offset: The last offset that was as good.
    """

    name: JournalName
    first: int
    last: int
    state: ClockState
    offset: int


def span_of(name: JournalName, blocks: Iterable[Block]) -> Span | None:
    """What a journal's blocks say of its times; None if there is no frame."""
    first, last, state, offset = 0, -1, ClockState.UNKNOWN, 0
    for block in blocks:
        stamps = block.arrival.records["stamp"]
        if not len(stamps):
            continue
        low, high = int(stamps.min()), int(stamps.max())
        first, last = (low, high) if last < first else (min(first, low), max(last, high))
        if block.reading.state >= state:
            state, offset = block.reading.state, block.reading.offset
    return Span(name, first, last, state, offset) if last >= first else None


def dates_of(spans: Sequence[Span], boot: str, now: Reading | None) -> dict[JournalName, Date]:
    """Date journals of earlier starts.

    A journal whose own blocks do not know the time is dated by a later one of the same boot that does, or by the
    present clock if the boot is the present one; else by its own clock, if that named a possible time. A boot of
    which nothing is known ended before the next one began: it is put right before it.

    Args:
        spans: What is known of each.
        boot: The present boot.
        now: The present clocks, if they name the time; without them only journals that know it are dated.
    """
    dates: dict[JournalName, Date] = {}
    border = now.offset if now else None  # the moment of the present boot
    by_boot = groupby(sorted(spans, key=lambda span: span.name), key=lambda span: span.name.boot)
    for name, of_boot in reversed([(name, list(group)) for name, group in by_boot]):
        known = Date(now.offset, MARKS[now.state]) if now and name == boot else None
        last = max(span.last for span in of_boot)
        for span in reversed(of_boot):
            if span.state == ClockState.KNOWN:
                known = Date(span.offset, KNOWN)
            if known:
                dates[span.name] = known
            elif border is not None and span.state == ClockState.UNSYNCED:
                dates[span.name] = Date(span.offset, UNSYNCED)
            elif border is not None:
                dates[span.name] = Date(border - last - 1, ESTIMATED)
        if border is not None and of_boot[0].name in dates:
            border = min(border, dates[of_boot[0].name].offset)
    return dates
