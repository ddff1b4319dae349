"""Which signals of a question are read as samples, and which as buckets of what width: chosen from metadata alone.

Nothing is read here, and no point is chosen.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.tiers import S_NS, TIERS_S

EAGER_ROWS: Final = 400_000
"""So many samples of a signal in a few days are read whatever the overview holds: an hour at 100 Hz takes some ms."""

EAGER_SHARE: Final = 40
"""Of more than some hours not more than so many for each point that is asked for: a screen shows no more of them."""

SHORT_NS: Final = 2 * 3600 * S_NS
"""What was recorded last is looked at most, and has no buckets yet: making them would cost more than drawing samples."""

EAGER_DAYS: Final = 3
"""Further days cost a read each, and buckets of all of them but one."""

RAW_ROWS: Final = 2_500_000
"""So many are read where even the finest tier would be too coarse for the points that are asked for."""

QUESTION_ROWS: Final = 40_000_000
"""All signals of a question together; above it the longest of them come from the overview all the same."""

_POINTS_PER_BUCKET: Final = 3
"""What a bucket usually gives of first, smallest, largest and last sample; of a constant signal it is two."""


def choose(
    counts: Mapping[SignalName, int], recorded: NDArray[np.int64], max_points: int
) -> dict[SignalName, int | None]:
    """Choose where each signal comes from.

    The coarsest tier that has points enough is right: it is quickest, and none of what it leaves out would be drawn.
    Its buckets are counted where the vehicle recorded, not over the range, most of which it may have stood still.

    Args:
        counts: About how many samples each has in the range, never fewer than there are.
        recorded: When the vehicle recorded in it, shape (k, 2), int64 nanoseconds.
        max_points: How many points are wanted of each.

    Returns:
        By signal: the tier in seconds, or None for samples.
    """
    plan = {name: _choose(count, recorded, max_points) for name, count in counts.items()}
    rows = 0
    for name in sorted((name for name in plan if plan[name] is None), key=lambda name: counts[name]):
        rows += counts[name]
        if rows > QUESTION_ROWS:
            plan[name] = TIERS_S[0]
    return plan


def tier_for_totals(span_ns: int) -> int:
    """The tier in seconds that sums up a range quickest: few buckets, and ends that take few samples."""
    return max((tier for tier in TIERS_S if span_ns >= 20 * tier * S_NS), default=TIERS_S[0])


def _choose(count: int, recorded: NDArray[np.int64], max_points: int) -> int | None:
    span_ns = int(recorded[-1, 1] - recorded[0, 0]) if len(recorded) else 0
    eager = EAGER_ROWS if span_ns <= SHORT_NS else min(EAGER_ROWS, EAGER_SHARE * max_points)
    if count <= max_points or (count <= eager and span_ns <= EAGER_DAYS * DAY_NS):
        return None
    points = {tier: _POINTS_PER_BUCKET * _buckets(count, recorded, tier) for tier in TIERS_S}
    for tier in reversed(TIERS_S):
        if points[tier] >= max_points:
            return tier
    finest = TIERS_S[0]
    return None if 2 * points[finest] < max_points and count <= RAW_ROWS else finest


def _buckets(count: int, recorded: NDArray[np.int64], tier: int) -> int:
    """About how many buckets of a tier hold samples."""
    first, last = recorded[:, 0] // (tier * S_NS), recorded[:, 1] // (tier * S_NS)
    return min(count, int((last - first + 1).sum()))
