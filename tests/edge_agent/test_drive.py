import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drive import Drive
from tests.edge_agent.test_ev_powertrain import SIGNALS

SECOND = 1_000_000_000
RANGES = {name: (low, high) for _, name, *_, low, high, _ in SIGNALS}


def every(seconds, until_s):
    return np.arange(0, int(until_s / seconds), dtype=np.int64) * int(seconds * SECOND)


@pytest.fixture(scope="module")
def hour():
    return Drive("V", 0).sample(every(0.1, 3600))


def integral(values, seconds=0.1):
    return np.concatenate([[0], np.cumsum(values)[:-1]]) * seconds


@pytest.mark.parametrize("vehicle", ["V", "W"])
def test_a_long_day_stays_within_the_ranges(vehicle):
    for name, values in Drive(vehicle, 3).sample(every(1, 6 * 3600)).items():
        low, high = RANGES[name]
        assert low <= values.min() <= values.max() <= high, name


def test_it_knows_every_signal(hour):
    assert set(hour) == set(RANGES)


def test_it_is_a_drive(hour):
    kmh = hour["Motor_RPM"] * 2 * np.pi / 60 / 9.0 * 0.33 * 3.6
    starts = np.flatnonzero((kmh[:-1] < 0.5) & (kmh[1:] >= 0.5))
    assert len(starts) >= 5  # stops and starts again
    assert kmh.max() > 100  # a motorway
    assert ((kmh > 15) & (kmh < 55)).mean() > 0.1  # a town
    assert 20 < kmh.mean() < 100
    acceleration = np.diff(kmh / 3.6) / 0.1
    assert np.abs(acceleration).max() < 4


def test_power_is_torque_times_speed(hour):
    expected = hour["Motor_Torque"] * hour["Motor_RPM"] * 2 * np.pi / 60 / 1000
    np.testing.assert_allclose(hour["Motor_Power"], expected, atol=1e-9)


def test_the_battery_delivers_what_the_motor_does(hour):
    electric = hour["Pack_Voltage"] * hour["Pack_Current"] / 1000
    pulling = (hour["Motor_Power"] > 10) & (electric > 0)
    assert pulling.mean() > 0.2
    assert (electric[pulling] > hour["Motor_Power"][pulling]).mean() > 0.99  # losses on top
    assert np.median(electric[pulling] / hour["Motor_Power"][pulling]) < 1.3
    braking = hour["Pack_Current"] < -5
    assert braking.any()
    assert (-electric[braking] < hour["Motor_Power"][braking]).mean() > 0.99  # losses taken off


def test_the_state_of_charge_is_the_charge_that_flowed(hour):
    drive = Drive("V", 0)
    used = integral(hour["Pack_Current"]) / 3600 / drive.car.capacity * 100
    np.testing.assert_allclose(hour["Pack_SOC"], hour["Pack_SOC"][0] - used, atol=0.1)
    rising = np.diff(hour["Pack_SOC"]) > 1e-9
    assert (hour["Pack_Current"][:-1][rising] < 0.5).all()  # it rises only while current flows back
    assert hour["Pack_SOC"][-1] < hour["Pack_SOC"][0] - 5


def test_the_voltage_sags_under_load(hour):
    change, load = np.diff(hour["Pack_Voltage"]), np.diff(hour["Pack_Current"])
    steps = np.abs(load) > 5
    assert np.corrcoef(change[steps], load[steps])[0, 1] < -0.95
    mean_cell = hour["Pack_Voltage"] / Drive("V", 0).car.cells
    for number in (1, 2, 3):
        cell = hour[f"Cell_{number}_Voltage"]
        assert (np.abs(cell - mean_cell) * 1000 <= hour["Cell_Delta_mV"] / 2 + 2).all()


def test_heat_lags_behind_power_and_reaches_the_coolant(hour):
    minute = 600
    power = np.convolve(hour["Motor_Power"], np.ones(minute) / minute, "valid")
    stator = hour["Stator_Temp"][minute - 1 :]

    def follows(lag):
        return np.corrcoef(power[: len(power) - lag], stator[lag:])[0, 1]

    assert max(follows(lag) for lag in range(300, 2400, 300)) > follows(0)
    assert np.abs(np.diff(hour["Rotor_Temp"])).max() < np.abs(np.diff(hour["Stator_Temp"])).max()
    warm = slice(6000, None)
    assert (hour["Coolant_Outlet"][warm] >= hour["Coolant_Inlet"][warm] - 1).mean() > 0.95
    assert np.corrcoef(hour["Pump_Duty"], hour["Flow_Rate"])[0, 1] > 0.99
    assert hour["Pump_Duty"].max() > hour["Pump_Duty"].min() + 5


def test_a_nearly_empty_car_stops_and_charges():
    day = Drive("V", 0).sample(every(5, 9 * 3600))
    lowest = int(np.argmin(day["Pack_SOC"]))
    assert 2 < day["Pack_SOC"][lowest] < 9
    soon = slice(lowest + 24, lowest + 144)  # two minutes to stop, ten to charge
    assert day["Motor_RPM"][soon].max() == 0
    assert day["Pack_Current"][soon].max() < -50
    assert day["Pack_SOC"][soon][-1] > day["Pack_SOC"][soon][0] + 5


def test_the_same_drive_again_and_other_drives():
    at = every(1, 600)
    again, other, another = Drive("V", 0).sample(at), Drive("W", 0).sample(at), Drive("V", 1).sample(at)
    for name, values in Drive("V", 0).sample(at).items():
        np.testing.assert_array_equal(values, again[name])
        assert (values != other[name]).any(), name
        assert (values != another[name]).any(), name


@settings(max_examples=8)
@given(cuts=st.lists(st.integers(0, 4000), min_size=1, max_size=6))
def test_in_pieces_it_is_the_same(cuts):
    at = np.arange(0, 4000, dtype=np.int64) * 86_012_345  # across several blocks
    whole = Drive("V", 0).sample(at)
    pieces = Drive("V", 0)
    edges = sorted({0, 4000, *cuts})
    for low, high in itertools.pairwise(edges):
        for name, values in pieces.sample(at[low:high]).items():
            np.testing.assert_array_equal(values, whole[name][low:high])


def test_going_back_starts_over():
    drive, late, early = Drive("V", 0), every(1, 3600)[-10:], every(1, 10)
    first = drive.sample(early)
    drive.sample(late)
    again = drive.sample(early)
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
