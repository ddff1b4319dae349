"""From a question to what is drawn: read, find the gaps, choose the points, sum up. Nothing here knows HTTP or JSON."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from api.downsample import Method, select
from api.gaps import breaks_of, gaps_of
from api.summary import Envelope, Statistics, envelope_of, statistics_of
from telemetry_pipeline.errors import TooLarge
from telemetry_pipeline.query.reader import Answer, Series, SignalName, SignalReader

MAX_ANSWER_POINTS: Final = 2_000_000
"""All signals together: about 80 MB of JSON."""

_ENVELOPE_BUCKETS: Final = 2_000
"""More than most screens have columns."""


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
        gaps: Times around each gap, shape (k, 2), or None unless asked for.
        stats: Over all samples, or None unless asked for.
        envelope: Over all samples, or None unless asked for.
    """

    source: Source
    t: NDArray[np.int64]
    v: NDArray[np.float64]
    method: Method
    gaps: NDArray[np.int64] | None
    stats: Statistics | None
    envelope: Envelope | None

    @property
    def resolution_ns(self) -> float | None:
        """The mean time per returned sample, or None when none was left out."""
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


def ask(reader: SignalReader, question: Question, *, max_answer_points: int = MAX_ANSWER_POINTS) -> Result:
    """Answer a question.

    Raises:
        BadKey: The vehicle id is not one.
        NotFound: No such vehicle or signal.
        TooLarge: More rows to read, or more points to return, than one answer may have.
    """
    begun = time.perf_counter_ns()
    answer = reader.read(question.vehicle_id, question.signals, question.start_ns, question.end_ns)
    _refuse_too_many(question, answer, max_answer_points)
    recording = _Recording(reader, question)
    return Result(
        [_draw(series, question, recording) for series in answer.series],
        answer.rows_scanned,
        answer.bytes_scanned,
        answer.skipped_objects,
        time.perf_counter_ns() - begun,
    )


class _Recording:
    """When the vehicle recorded, looked up at most once and only if a signal needs it."""

    def __init__(self, reader: SignalReader, question: Question) -> None:
        self._reader = reader
        self._question = question

    @cached_property
    def stretches(self) -> NDArray[np.int64]:
        asked = self._question
        return self._reader.recorded(asked.vehicle_id, asked.start_ns, asked.end_ns)


def _draw(series: Series, question: Question, recording: _Recording) -> Drawn:
    t, v = series.t, series.v
    thin = question.method != "raw" and len(t) > question.max_points
    breaks = np.empty(0, np.intp)
    if thin or "gaps" in question.include:
        breaks = breaks_of(t, lambda: recording.stretches)
    chosen = select(t, v, question.max_points, question.method, breaks) if thin else slice(None)
    buckets = min(question.max_points, _ENVELOPE_BUCKETS)
    return Drawn(
        Source(series.message, series.signal, series.unit, len(t)),
        t[chosen],
        v[chosen],
        question.method if thin else "raw",
        gaps_of(t, breaks) if "gaps" in question.include else None,
        statistics_of(v) if "stats" in question.include else None,
        envelope_of(t, v, question.start_ns, question.end_ns, buckets)
        if "envelope" in question.include
        else None,
    )


def _refuse_too_many(question: Question, answer: Answer, limit: int) -> None:
    most = None if question.method == "raw" else question.max_points
    points = sum(len(series.t) if most is None else min(len(series.t), most) for series in answer.series)
    if points > limit:
        raise TooLarge(
            f"the answer would have {points:,} points, the limit is {limit:,}",
            remedy="Ask for a shorter range, fewer signals or fewer max_points; method=raw returns every sample",
        )
