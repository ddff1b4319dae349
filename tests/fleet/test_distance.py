"""Distances from speeds and odometers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.fleet.distance import STEP_MAX_S, difference, integral

S = 1_000_000_000


def at(*seconds: float) -> np.ndarray:
    return np.array([second * S for second in seconds], np.int64)


def test_a_constant_speed_is_speed_times_time() -> None:
    times = at(*range(3601))
    assert integral(times, np.full(3601, 20.0)).km == pytest.approx(72.0)
    assert integral(times[::-1].copy(), np.full(3601, -20.0)).km == pytest.approx(72.0)


def test_pauses_add_nothing() -> None:
    assert integral(at(0, 1, 1 + STEP_MAX_S, 2000, 2001), np.full(5, 10.0)).km == pytest.approx(0.12)


def test_what_is_no_speed_is_left_out_and_counted() -> None:
    found = integral(at(0, 1, 2, 3), np.array([10.0, np.nan, 65_535 / 3.6, 10.0]))
    assert found.km == pytest.approx(0.03)
    assert found.left_out == 2
    assert integral(at(0), np.array([1.0])).km is None
    assert integral(at(), np.array([])).km is None


@given(st.lists(st.floats(0, 100), min_size=2, max_size=50), st.randoms())
def test_neither_order_nor_repetition_matters(speeds: list[float], random) -> None:
    times, values = at(*range(len(speeds))), np.array(speeds)
    km = integral(times, values).km
    order = list(range(len(speeds)))
    random.shuffle(order)
    assert integral(times[order], values[order]).km == pytest.approx(km)
    assert integral(np.repeat(times, 2), np.repeat(values, 2)).km == pytest.approx(km)


def test_an_odometer_counts_what_was_not_recorded_too() -> None:
    found = difference(at(0, 1, 7200, 7201), np.array([100_000.0, 100_020.0, 250_000.0, 250_010.0]))
    assert found.km == pytest.approx(150.01)


def test_an_odometer_may_jump_by_a_whole_mile() -> None:
    assert difference(at(0, 0.01), np.array([0.0, 1609.344])).km == pytest.approx(1.609344)


def test_zeros_and_codes_cost_nothing() -> None:
    readings = np.array([0.0, 5e6, 5e6, 16_777_215e3, 5.001e6, 0.0, 5.002e6, np.nan])
    found = difference(at(*range(8)), readings)
    assert found.km is not None
    assert 0 <= found.km <= 2.0
    assert found.left_out == 6
