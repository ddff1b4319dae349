"""One moment of a lake: all parts of one answer look at the same days, which are looked up once.

Which days there are is found by `objects`. What takes for ever (an export, a live tail) has no moment.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from telemetry_pipeline.query.vehicle_days import Days

_Known = dict[tuple[object, str], tuple[dt.date, dt.date, Days]]
"""By lake and vehicle: the first and the last date that were looked up, and the days between them."""

_current: ContextVar[_Known | None] = ContextVar("moment", default=None)


@contextmanager
def one_moment() -> Iterator[None]:
    """Answer of one moment; within another, of that. Threads that are started with a copy of the context share it."""
    if _current.get() is not None:
        yield
        return
    token = _current.set({})
    try:
        yield
    finally:
        _current.reset(token)


def looked_up(lake: object, vehicle_id: str, first: dt.date, last: dt.date, find: Callable[[], Days]) -> Days:
    """The days of a vehicle from one date to another: those of this moment, found now if no lookup has held them.

    Args:
        lake: Who looks them up.
        vehicle_id: The vehicle.
        first: The first date.
        last: The last date.
        find: Looks them up, oldest first.
    """
    if (moment := _current.get()) is None:
        return find()
    known = moment.get((lake, vehicle_id))
    if known is None or first < known[0] or last > known[1]:
        known = moment[lake, vehicle_id] = (first, last, find())
    return known[2] if known[:2] == (first, last) else known[2].between(first, last)


def forget() -> None:
    """Something turned out not to be as it was: this moment is over, and the next one begins."""
    if (moment := _current.get()) is not None:
        moment.clear()
