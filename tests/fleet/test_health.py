"""How well a vehicle was decoded: the same numbers from footers and from the table, and what went wrong by name."""

import datetime as dt
from dataclasses import replace

from telemetry_pipeline.fleet.health import HealthReader
from telemetry_pipeline.fleet.table import make_day
from telemetry_pipeline.lake import layout
from tests.fleet.conftest import Car

DAY = dt.date(2026, 2, 23)


def driven(car: Car) -> Car:
    """Two minutes with five unknown frames each, one object that is torn and one that nobody decoded."""
    for minute in (0, 1):
        car.drive(minute, unknown=5)
    car.decode()
    car.store.put(car.drive(31).key, b"PAR1 torn")
    car.decode()
    car.drive(32)
    return car


def test_a_day_counts_every_frame_and_object(car: Car) -> None:
    reader = HealthReader(driven(car).store)
    assert reader.vehicles() == ["CAR_1"]
    found = reader.days(["CAR_1"], DAY - dt.timedelta(days=2), DAY + dt.timedelta(days=1))
    (day,) = found["CAR_1"]
    assert (day.date, day.objects) == (DAY, 4)
    assert day.counts == {
        "rows": 250,
        "decoded_frames": 240,
        "truncated": 0,
        "unknown_id": 10,
        "decode_error": 0,
        "skipped": 0,
        "bad_rows": 0,
        "quarantined": 1,
        "pending": 1,
        "unreadable": 0,
    }


def test_the_table_tells_the_same_until_the_objects_change(car: Car) -> None:
    driven(car)
    counted = HealthReader(car.store).days(["CAR_1"], DAY, DAY)
    make_day(car.store, DAY)
    reader = HealthReader(car.store)
    assert reader.days(["CAR_1"], DAY, DAY) == counted
    car.drive(33, unknown=1)
    car.decode()
    (day,) = reader.days(["CAR_1"], DAY, DAY)["CAR_1"]
    (before,) = counted["CAR_1"]
    # the one that waited is decoded by now as well
    assert (day.objects, day.counts["pending"]) == (before.objects + 1, 0)
    assert day.counts["unknown_id"] == before.counts["unknown_id"] + 1


def test_a_table_that_is_damaged_or_of_other_columns_counts_for_nothing(car: Car) -> None:
    driven(car)
    counted = HealthReader(car.store).days(["CAR_1"], DAY, DAY)
    car.store.put(layout.fleet_key(DAY), b"PAR1 torn")
    assert HealthReader(car.store).days(["CAR_1"], DAY, DAY) == counted


def test_what_went_wrong_is_named(car: Car) -> None:
    driven(car)
    details = HealthReader(car.store).details("CAR_1", DAY, DAY)
    assert details.report.unknown_ids == {"0x7AA": 10}
    (jailed,) = details.quarantined
    assert jailed.key.endswith("_raw.parquet")
    assert "Parquet" in jailed.reason
    assert jailed.when.startswith("20")
    nobody = replace(details, report=type(details.report)(), quarantined=[])
    assert (
        HealthReader(car.store).details("CAR_1", DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=3))
        == nobody
    )


def test_a_damaged_decoded_object_is_counted_and_skipped(car: Car) -> None:
    driven(car)
    key = next(info.key for info in car.store.list_objects("decoded"))
    car.store.put(key, b"PAR1 torn")
    (day,) = HealthReader(car.store).days(["CAR_1"], DAY, DAY)["CAR_1"]
    assert (day.counts["unreadable"], day.counts["rows"]) == (1, 125)
