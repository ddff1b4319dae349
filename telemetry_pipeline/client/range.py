"""Ranges of time as people write them, as nanoseconds."""

import datetime as dt
from typing import Final

from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS, parse_instant

Instant = str | dt.datetime
"""ISO 8601 with a zone, or a datetime that knows its zone."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


def range_of(start: Instant, end: Instant) -> tuple[int, int]:
    """Both ends of a half-open range, int64 nanoseconds since the epoch.

    Raises:
        BadQuery: A datetime knows no zone or int64 does not hold it, or the range has no length.
        BadSetting: A text is no instant, names no zone, or is out of int64's reach.
    """
    low, high = _ns(start), _ns(end)
    if high <= low:
        raise BadQuery("the end is not after the start", remedy="Ask for a range that has a length")
    return low, high


def width_of(every: dt.timedelta) -> int:
    """A length in nanoseconds.

    Raises:
        BadQuery: There is none.
    """
    if every < _MICROSECOND:
        raise BadQuery("buckets have no width", remedy="Ask for every=timedelta(seconds=10), or any other")
    return every // _MICROSECOND * 1_000


def _ns(instant: Instant) -> int:
    if isinstance(instant, str):
        return parse_instant(instant)
    if instant.tzinfo is None:
        raise BadQuery(f"{instant} names no time zone", remedy="Give datetime(…, tzinfo=timezone.utc)")
    ns = (instant - _EPOCH) // _MICROSECOND * 1_000
    if not MIN_NS <= ns <= MAX_NS:
        raise BadQuery(f"{instant} is out of reach", remedy="Use a time between the years 1678 and 2261")
    return ns
