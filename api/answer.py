"""What is asked of one vehicle, and what is drawn of it. How the one becomes the other is not known here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api.downsample import Method
from api.summary import Envelope, Statistics
from api.tier_gaps import Gaps
from telemetry_pipeline.query.reader import SignalName


@dataclass(frozen=True)
class Question:
    """What is asked of one vehicle: see the request model for the meaning of its fields."""

    vehicle_id: str
    signals: Sequence[SignalName]
    start_ns: int
    end_ns: int
    max_points: int
    method: Method = "lttb"
    include: Collection[str] = ()


@dataclass(frozen=True)
class Source:
    """What the points of a signal were chosen from.

    Attributes:
        message: The message's name.
        signal: The signal's name.
        unit: Its unit, "" when it has none.
        points: Its samples in the range, exactly.
        origin: `raw`: from all of them; `tier:60s`: from what buckets of that width hold of them.
    """

    message: str
    signal: str
    unit: str
    points: int
    origin: str = "raw"


@dataclass(frozen=True)
class Drawn:
    """One signal as it is drawn.

    Attributes:
        source: What its points were chosen from.
        t: Times of the chosen samples, int64 nanoseconds.
        v: Their values.
        method: How they were chosen; `raw` when none was left out.
        gaps: The gaps between its samples, or None unless asked for.
        stats: Over all samples, or None unless asked for.
        envelope: Over all samples, or None unless asked for.
        column_ns: How wide the columns of `m4` are.
    """

    source: Source
    t: NDArray[np.int64]
    v: NDArray[np.float64]
    method: Method
    gaps: Gaps | None
    stats: Statistics | None
    envelope: Envelope | None
    column_ns: int | None = None

    @property
    def resolution_ns(self) -> float | None:
        """Of `m4` the width of a column, else the mean time per returned sample; None when none was left out."""
        if self.column_ns is not None:
            return float(self.column_ns)
        if self.method == "raw" or len(self.t) < 2:
            return None
        return float(self.t[-1] - self.t[0]) / (len(self.t) - 1)


@dataclass(frozen=True)
class Result:
    """A drawn answer and what it took."""

    series: list[Drawn]
    rows_scanned: int
    bytes_scanned: int
    skipped_objects: int
    duration_ns: int
