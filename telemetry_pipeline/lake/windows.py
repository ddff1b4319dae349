"""Which frames share a raw object: windows of one vehicle's frames, each with a key of its own.

Where the frames come from (a bus, a log, a simulator) is not known here, nor where the objects go.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.lake.layout import Partition, RawObject

MAX_ROWS: Final = 1_000_000
"""The most frames that one raw object holds: about 10 MB as Parquet."""


class WindowNames:
    """Hands out raw objects, no two of them alike.

    A stem names its first frame to the millisecond. Further windows that begin within the same millisecond
    (a size limit can do that, or a clock that was set back) get `-1`, `-2` … after it.
    """

    def __init__(self, vehicle_id: str) -> None:
        self._vehicle_id = vehicle_id
        self._given: Counter[RawObject] = Counter()

    def starting(self, ns: int) -> RawObject:
        """The raw object of a window whose first frame is at `ns` (int64 nanoseconds since the epoch)."""
        first = RawObject.starting(self._vehicle_id, ns)
        nth = self._given[first]
        self._given[first] += 1
        return sibling(first, nth)


def sibling(raw: RawObject, nth: int) -> RawObject:
    """The `nth` raw object that wanted this name; number 0 has it unchanged."""
    return RawObject(raw.partition, f"{raw.stem}-{nth}") if nth else raw


def stamps_of(table: pa.Table) -> npt.NDArray[np.int64]:
    """The timestamps of a table of frames as int64 nanoseconds since the epoch."""
    return table["timestamp"].cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]


def window_end(vehicle_id: str, start_ns: int, window_ns: int) -> int:
    """The first instant that no longer belongs to a window: after its length, or at UTC midnight."""
    return min(start_ns + window_ns, Partition.containing(vehicle_id, start_ns).end_ns)


def split_windows(
    tables: Iterable[pa.Table], window_ns: int, vehicle_id: str, max_rows: int = MAX_ROWS
) -> Iterator[tuple[RawObject, pa.Table]]:
    """Cut a stream of frames into the windows that become raw objects.

    A window begins at its first frame and ends after `window_ns`, at UTC midnight or at `max_rows`, whichever
    comes first. The same frames give the same windows, however the stream was cut into tables. No more than one
    window and one table are held.

    Args:
        tables: Frames (schema `RAW` or `RAW_FD`) in order of time, within the tables and across them.
        window_ns: The longest window in nanoseconds, above 0.
        vehicle_id: The vehicle that the keys name.
        max_rows: The most frames in one window, above 0.

    Yields:
        Each window's raw object and its frames.

    Raises:
        BadKey: The vehicle id is not one.
    """
    names = WindowNames(vehicle_id)
    held: list[pa.Table] = []
    rows = 0
    start = end = 0
    for table in tables:
        stamps = stamps_of(table)
        at = 0
        while at < len(stamps):
            if rows == 0:
                start = int(stamps[at])
                end = window_end(vehicle_id, start, window_ns)
            stop = min(at + int(np.searchsorted(stamps[at:], end)), at + max_rows - rows)
            if stop > at:
                held.append(table.slice(at, stop - at))
                rows += stop - at
                at = stop
            if at < len(stamps) or rows == max_rows:
                yield names.starting(start), pa.concat_tables(held)
                held, rows = [], 0
    if rows:
        yield names.starting(start), pa.concat_tables(held)
