"""Which signal is the vehicle's speed or its odometer: names and units as real CAN databases have them."""

import pytest

from telemetry_pipeline.fleet.names import METRES, METRES_PER_SECOND, odometer_rank, speed_rank


@pytest.mark.parametrize(
    ("signal", "unit", "rank"),
    [
        ("VehicleSpeed", "km/h", 0),
        ("S01PID0D_VehicleSpeed", "km/h", 0),
        ("WheelBasedVehicleSpeed", "km/h", 0),
        ("ESP_vehicleSpeed", "kph", 0),
        ("CAR_SPEED", "kph", 0),
        ("VEHICLE_SPEED", "MPH", 0),
        ("Speed", "m/s", 1),
        ("LongSpeed", "meters/sec", 1),
        ("XMISSION_SPEED", "kph", 1),
        ("GPS_Speed_2D", "m/s", 2),
        ("WHEEL_SPEED_FL", "kph", 3),
    ],
)
def test_speeds_are_found_best_first(signal: str, unit: str, rank: int) -> None:
    assert speed_rank(signal, unit) == rank


@pytest.mark.parametrize(
    ("signal", "unit"),
    [
        ("Motor_Speed", "rpm"),
        ("EngineSpeed", "km/h"),
        ("Vehicle_Speed", ""),
        ("CRUISE_SPEED", "kph"),
        ("DAS_setSpeed", "kph"),
        ("DAS_accSpeedLimit", "mph"),
        ("REL_SPEED", "m/s"),
        ("LatSpeed", "meters/sec"),
        ("CruiseControlSetVehicleSpeedLimit", "km/h"),
        ("WindSpeed", "m/s"),
        ("Velocity", "km/h"),
    ],
)
def test_wishes_limits_and_other_speeds_are_not(signal: str, unit: str) -> None:
    assert speed_rank(signal, unit) is None


@pytest.mark.parametrize(
    ("signal", "unit", "rank"),
    [
        ("ODOMETER", "km", 0),
        ("S01PIDA6_Odometer", "km", 0),
        ("odo", "miles", 0),
        ("TotalVehicleDistance", "km", 1),
        ("HighResTotalVehicleDistance", "m", 1),
        ("TripDistance", "km", None),
        ("TripOdometer", "km", None),
        ("ODOMETER", "", None),
        ("Distance", "m", None),
    ],
)
def test_odometers_are_found_and_trips_are_not(signal: str, unit: str, rank: int | None) -> None:
    assert odometer_rank(signal, unit) == rank


def test_units_are_what_they_say() -> None:
    assert METRES_PER_SECOND["km/h"] * 36 == pytest.approx(10)
    assert METRES_PER_SECOND["mph"] * 3600 == pytest.approx(METRES["mi"])
