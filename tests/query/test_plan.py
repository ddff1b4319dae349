"""What is read for a question is chosen by what it would cost and what it would show."""

import numpy as np
import pytest

from telemetry_pipeline.query.plan import EAGER_ROWS, QUESTION_ROWS, RAW_ROWS, choose, tier_for_totals
from telemetry_pipeline.series.tiers import S_NS

HOUR, DAY = 3600, 86_400
SIGNAL = ("Drive", "Speed")


def drives(days, hours=6):
    """That many hours a day, in three drives."""
    begins = [day * DAY + at * HOUR for day in range(days) for at in (6, 12, 18)]
    return np.array([[begin, begin + hours / 3 * HOUR - 1] for begin in begins], np.int64) * S_NS


def choice(rate_hz, days, points, hours=6):
    count = int(rate_hz * days * hours * HOUR)
    return choose({SIGNAL: count}, drives(days, hours), points)[SIGNAL]


@pytest.mark.parametrize(
    ("rate_hz", "days", "points", "tier"),
    [
        (100, 365, 10_000, 600),
        (100, 30, 10_000, 60),
        (100, 30, 2_000, 600),
        (100, 7, 10_000, 10),
        (100, 1, 10_000, 10),  # 6,480 points and, where it moves most, samples
        (100, 1, 1_000, 60),
        (100, 1, 40_000, None),  # the finest tier would be far too coarse
        (1000, 1, 40_000, 10),  # and yet there are too many samples
        (10, 1, 10_000, None),  # few enough to read them all
        (10, 1, 1_000, 60),  # but too many for what a screen shows
        (1, 1, 1_000, None),
        (0.01, 30, 10_000, None),  # as many as fit
        (1, 30, 10_000, 60),
        (0.05, 365, 10_000, 600),
    ],
)
def test_the_coarsest_tier_with_points_enough_is_chosen_where_samples_do_not_fit(rate_hz, days, points, tier):
    assert choice(rate_hz, days, points) == tier


def test_the_last_hours_are_read_whatever_is_shown_of_them():
    for hours, tier in ((1, None), (2, None), (3, 10)):
        recorded = np.array([[0, hours * HOUR * S_NS]])
        assert choose({SIGNAL: EAGER_ROWS}, recorded, 1_000) == {SIGNAL: tier}


def test_hours_without_recording_do_not_make_a_tier_coarser():
    assert choice(100, 365, 10_000, hours=0.25) == 60
    assert choice(100, 365, 10_000, hours=24) == 600


def test_samples_of_many_signals_are_read_up_to_a_limit_all_the_same():
    hour = np.array([[0, HOUR * S_NS]])
    counts = {("M", f"S{number}"): RAW_ROWS - number for number in range(30)}
    plan = choose(counts, hour, 10_000)
    read = [name for name, tier in plan.items() if tier is None]
    assert QUESTION_ROWS - RAW_ROWS < sum(counts[name] for name in read) <= QUESTION_ROWS
    assert {tier for name, tier in plan.items() if name not in read} == {10}
    assert ("M", "S29") in read


def test_nothing_recorded_is_nothing_to_choose():
    nothing = np.empty((0, 2), np.int64)
    assert choose({SIGNAL: 0}, nothing, 10) == {SIGNAL: None}
    # samples of a clock that is days off are no recording
    assert choose({SIGNAL: EAGER_ROWS}, nothing, 10) == {SIGNAL: None}


@pytest.mark.parametrize(("span_s", "tier"), [(1, 10), (HOUR, 60), (5 * HOUR, 600), (365 * DAY, 600)])
def test_totals_are_made_of_few_buckets_with_short_ends(span_s, tier):
    assert tier_for_totals(span_s * S_NS) == tier
