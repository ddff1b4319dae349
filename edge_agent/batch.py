"""When a window is finished: after its length on a clock that never steps, at UTC midnight, or when it is full.

Where frames come from and where windows go is not known here.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.windows import WindowNames, stamps_of


class Batcher:
    """Collects frames into windows.

    A window's length is measured on the caller's steady clock from its first frame, not on the frames'
    timestamps: a bus that falls silent or a wall clock that is set back closes it all the same.

    Args:
        vehicle_id: The vehicle that the keys name.
        window_s: The longest window in seconds.
        max_frames: The most frames in one window.
    """

    def __init__(self, vehicle_id: str, window_s: float, max_frames: int) -> None:
        self._names = WindowNames(vehicle_id)
        self._window_s = window_s
        self._max_frames = max_frames
        self._held: list[pa.Table] = []
        self._rows = 0
        self._day = 0
        self._due = 0.0

    @property
    def frames_held(self) -> int:
        """How many frames the open window holds."""
        return self._rows

    def add(self, frames: pa.Table, now: float) -> Iterator[tuple[RawObject, pa.Table]]:
        """Take frames (schema `RAW`, possibly none) and give the windows that are finished.

        Args:
            frames: What has arrived since the last call.
            now: The steady clock, in seconds.

        Yields:
            Finished windows: the raw object and its frames in order of time.
        """
        if self._rows and now >= self._due:
            yield self.close()
        days = stamps_of(frames) // DAY_NS
        at = 0
        for border in [*np.flatnonzero(np.diff(days)) + 1, len(days)] if len(days) else []:
            if self._rows and days[at] != self._day:
                yield self.close()
            while at < border:
                if not self._rows:
                    self._day = int(days[at])
                    self._due = now + self._window_s
                take = min(int(border) - at, self._max_frames - self._rows)
                self._held.append(frames.slice(at, take))
                self._rows += take
                at += take
                if self._rows == self._max_frames:
                    yield self.close()

    def flush(self) -> Iterator[tuple[RawObject, pa.Table]]:
        """Give the open window, if there is one."""
        if self._rows:
            yield self.close()

    def close(self) -> tuple[RawObject, pa.Table]:
        """The open window, which must hold frames; the next frame begins another."""
        table = pa.concat_tables(self._held)
        self._held, self._rows = [], 0
        stamps = stamps_of(table)
        if np.any(np.diff(stamps) < 0):  # adapters with several queues do not deliver in order
            order = np.argsort(stamps, kind="stable")
            table, stamps = table.take(order), stamps[order]
        return self._names.starting(int(stamps[0])), table
