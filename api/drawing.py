"""One signal drawn as it was asked for: from all of its samples, or from its buckets."""

from typing import Final

import numpy as np

from api.answer import Drawn, Question, Source
from api.downsample import Method, select
from api.gaps import breaks_of, gaps_of
from api.points import (
    POINTS_PER_COLUMN,
    Times,
    Values,
    busiest_stretch,
    columns_of_rows,
    columns_of_samples,
    m4_points,
)
from api.reading import Reading
from api.summary import envelope_of, envelope_of_rows, statistics_of, statistics_of_rows
from api.tier_gaps import Gaps, gaps_of_rows
from telemetry_pipeline.query.reader import Series
from telemetry_pipeline.series.tiers import TierRows

_ENVELOPE_BUCKETS: Final = 2_000
"""More than most screens have columns."""


def draw_samples(series: Series, question: Question, reading: Reading) -> Drawn:
    """Draw a signal from all of its samples in the range."""
    t, v = series.t, series.v
    asked = question.include
    thin = question.method != "raw" and len(t) > question.max_points
    breaks = np.empty(0, np.intp)
    if "gaps" in asked or (thin and question.method != "m4"):
        breaks = breaks_of(t, lambda: reading.recorded)
    gaps = Gaps(gaps_of(t, breaks), complete=True) if "gaps" in asked else None
    stats = statistics_of(t, v) if "stats" in asked else None
    envelope = None
    if "envelope" in asked:
        envelope = envelope_of(t, v, question.start_ns, question.end_ns, _envelope_buckets(question))
    source = Source(series.message, series.signal, series.unit, len(t))
    method: Method = question.method if thin else "raw"
    column = None
    if method == "m4":
        columns, column = columns_of_samples(t, v, question.max_points // POINTS_PER_COLUMN)
        found = m4_points(columns)
        t, v = found.t, found.v
    elif thin:
        chosen = select(t, v, question.max_points, method, breaks)
        t, v = t[chosen], v[chosen]
    return Drawn(source, t, v, method, gaps, stats, envelope, column)


def draw_rows(rows: TierRows, source: Source, width_ns: int, question: Question, reading: Reading) -> Drawn:
    """Draw a signal from its buckets.

    Args:
        rows: All of them; they have more samples than points are asked for.
        source: The signal.
        width_ns: How wide the buckets are.
        question: What is asked; its method is not `raw`.
        reading: Reads samples where the buckets do not say enough.
    """
    asked = question.include
    gaps = None
    if "gaps" in asked or question.method != "m4":
        look = reading.look((source.message, source.signal))
        gaps = gaps_of_rows(rows, lambda: reading.recorded, look, hidden="gaps" in asked)
    stats = statistics_of_rows(rows) if "stats" in asked else None
    envelope = None
    if "envelope" in asked:
        envelope = envelope_of_rows(rows, width_ns, question.start_ns, _envelope_buckets(question))
    column = None
    if gaps is None or question.method == "m4":
        columns, column = columns_of_rows(rows, width_ns, question.max_points // POINTS_PER_COLUMN)
        found = m4_points(columns)
        t, v = found.t, found.v
    else:
        t, v = _candidates(rows, source, question.max_points, reading)
        after = np.searchsorted(t, gaps.edges[:, 1])  # ascending, as the gaps are
        after = after[(np.diff(after, prepend=0) > 0) & (after < len(t))]
        chosen = select(t, v, question.max_points, question.method, after)
        t, v = t[chosen], v[chosen]
    return Drawn(source, t, v, question.method, gaps if "gaps" in asked else None, stats, envelope, column)


def _candidates(rows: TierRows, source: Source, points: int, reading: Reading) -> tuple[Times, Values]:
    """What the buckets know; of too few, and where the values move most, all samples."""
    found = m4_points(rows)
    missing = points - len(found.t)
    if missing <= 0:
        return found.t, found.v
    first, last = busiest_stretch(rows, rows.count - found.of_row, missing)
    span = int(rows.t_first[first]), int(rows.t_last[last])
    series = reading.samples_within((source.message, source.signal), *span)
    before, after = int(found.of_row[:first].sum()), int(found.of_row[: last + 1].sum())
    return (
        np.concatenate((found.t[:before], series.t, found.t[after:])),
        np.concatenate((found.v[:before], series.v, found.v[after:])),
    )


def _envelope_buckets(question: Question) -> int:
    return min(question.max_points, _ENVELOPE_BUCKETS)
