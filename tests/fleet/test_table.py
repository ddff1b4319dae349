"""A day of the fleet, made from real decoded objects, and made anew where they changed and nowhere else."""

import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.fleet.facts import Moments
from telemetry_pipeline.fleet.table import days_of, make_day, read_day
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from tests.decoded_lake import put_decoded
from tests.fleet.conftest import Car
from tests.raw_lake import NOON, SECOND, add_dbc, land

DAY = dt.date(2026, 2, 23)


def row_of(store: Store, vehicle_id: str = "CAR_1") -> dict:
    found = read_day(store, DAY)
    assert found is not None
    return found.row(by_predicate=pl.col("vehicle_id") == vehicle_id, named=True)


def test_a_day_says_what_a_vehicle_did(car: Car) -> None:
    for minute in (0, 1, 2, 30):
        car.drive(minute, unknown=5)
    car.decode()
    poisoned = car.drive(31)
    car.store.put(poisoned.key, b"PAR1 torn")
    car.decode()
    car.drive(32)  # lands, and nobody decodes it
    made = make_day(car.store, DAY)
    assert (made.made, made.kept, made.removed, made.left) == (["CAR_1"], [], [], [])
    row = row_of(car.store)
    assert (row["objects"], row["quarantined"], row["pending"], row["unreadable"]) == (4, 1, 1, 0)
    assert (row["rows"], row["decoded_frames"], row["unknown_id"]) == (500, 480, 20)
    assert row["signal_values"] == 4 * 60 * 4
    assert row["raw_bytes"] == sum(i.size for i in car.store.list_objects("raw"))
    assert row["decoded_bytes"] == sum(i.size for i in car.store.list_objects("decoded"))
    midday = dt.datetime.fromisoformat("2026-02-23T12:00")
    assert row["first_timestamp"] == midday
    assert row["last_timestamp"] == midday + dt.timedelta(minutes=30, seconds=59)
    assert row["hours"] == pytest.approx((179 + 59) / 3600)
    assert (row["gaps"], row["longest_gap_s"]) == (1, pytest.approx(30 * 60 - 179))


def test_distances_say_where_they_come_from(car: Car) -> None:
    for minute in (0, 1, 30):
        car.drive(minute)
    car.decode()
    make_day(car.store, DAY)
    row = row_of(car.store)
    assert row["speed_signal"] == "Dash.VehicleSpeed"  # not the wheel's, not the fan's
    assert row["speed_km"] == pytest.approx(20 * (119 + 59) / 1000)
    assert row["odometer_signal"] == "Dash.Odometer"
    assert row["odometer_km"] == pytest.approx(20 * 1859 / 1000, abs=0.1)  # what was not recorded, too
    assert (row["distance_km"], row["distance_source"]) == (row["odometer_km"], "odometer")


def test_statistics_equal_those_of_all_values(car: Car) -> None:
    for minute, (kmh, fan) in enumerate([(10.0, 120), (50.0, 20), (72.5, 20)]):
        car.drive(minute, kmh=kmh, fan=fan)
    car.decode()
    make_day(car.store, DAY)
    found = {item["signal_name"]: item for item in row_of(car.store)["signals"]}
    assert list(found) == ["Fan_Speed", "Odometer", "VehicleSpeed", "WHEEL_SPEED_FL"]
    rows = pl.concat(
        pl.read_parquet(path, columns=["signal_name", "value"], hive_partitioning=False)
        for path in sorted((Path(car.store.root or "") / "decoded").rglob("*.parquet"))
    )
    for name, item in found.items():
        values = rows.filter(pl.col("signal_name") == name)["value"]
        assert item["count"] == len(values) == 180
        assert (item["minimum"], item["maximum"]) == (values.min(), values.max())
        assert item["mean"] == pytest.approx(values.mean())
        assert item["std"] == pytest.approx(values.std(ddof=0), rel=1e-9, abs=1e-12)
    assert (found["Fan_Speed"]["out_of_range"], found["VehicleSpeed"]["out_of_range"]) == (60, 0)
    assert found["VehicleSpeed"]["unit"] == "km/h"


def test_only_what_changed_is_made_anew(car: Car) -> None:
    others = [Car(car.store, vehicle) for vehicle in ("CAR_2", "CAR_3")]
    for one in (car, *others):
        one.drive(0)
        one.decode()
    assert make_day(car.store, DAY).made == ["CAR_1", "CAR_2", "CAR_3"]
    before = {name: row_of(car.store, name) for name in ("CAR_1", "CAR_3")}
    second = make_day(car.store, DAY)
    assert (second.made, second.kept) == ([], ["CAR_1", "CAR_2", "CAR_3"])
    late = others[0].drive(5)
    others[0].decode()
    assert make_day(car.store, DAY).made == ["CAR_2"]
    assert {name: row_of(car.store, name) for name in before} == before
    assert row_of(car.store, "CAR_2")["objects"] == 2
    for key in (late.key, late.decoded_key):
        car.store.delete(key)
    for key in [
        i.key for zone in ("raw", "decoded") for i in car.store.list_objects(f"{zone}/vehicle_id=CAR_3")
    ]:
        car.store.delete(key)
    third = make_day(car.store, DAY)
    assert (third.made, third.removed, third.kept) == (["CAR_2"], ["CAR_3"], ["CAR_1"])
    assert make_day(car.store, DAY, only=["CAR_1"]).made == ["CAR_1"]
    assert row_of(car.store, "CAR_2")["objects"] == 1


def test_vehicles_for_which_there_is_no_time_are_told_and_made_by_the_next(car: Car) -> None:
    for name in ("CAR_1", "CAR_2", "CAR_3"):
        one = Car(car.store, name)
        one.drive(0)
        one.decode()
    clock = itertools.count().__next__
    first = make_day(car.store, DAY, deadline=2, clock=clock)
    assert (first.made, first.left) == (["CAR_1", "CAR_2"], ["CAR_3"])
    rest = make_day(car.store, DAY)
    assert (rest.made, rest.kept) == (["CAR_3"], ["CAR_1", "CAR_2"])


def test_what_is_damaged_is_counted_or_made_anew(car: Car) -> None:
    raws = [car.drive(minute) for minute in (0, 1)]
    car.decode()
    car.store.put(raws[0].decoded_key, b"damaged")
    make_day(car.store, DAY)
    row = row_of(car.store)
    assert (row["objects"], row["unreadable"]) == (1, 1)
    car.store.put(layout.fleet_key(DAY), b"damaged")
    with pytest.raises(BadRaw, match="telemetry fleet --day 2026-02-23"):
        read_day(car.store, DAY)
    assert make_day(car.store, DAY).made == ["CAR_1"]
    assert row_of(car.store)["unreadable"] == 1


def test_a_vehicle_without_a_speed_has_no_distance(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1")
    make_day(folder_lake, DAY)
    row = row_of(folder_lake, "EV_1")
    assert (row["distance_km"], row["distance_source"], row["speed_signal"]) == (None, "", "")
    assert (row["pending"], row["objects"], row["signals"]) == (1, 0, [])
    assert row["first_timestamp"] is None


@pytest.mark.parametrize("reported", [True, False])
def test_objects_of_other_writers_count_as_far_as_their_rows_go(folder_lake: Store, reported: bool) -> None:
    partition = Partition("EV_9", DAY)
    values = [1.0, float("nan"), 3.0, float("inf")]
    samples = ([NOON + n * SECOND for n in range(4)], values)
    put_decoded(folder_lake, partition, "20260223T120000.000Z", {("M", "Speed"): samples}, reported=reported)
    make_day(folder_lake, DAY)
    (signal,) = row_of(folder_lake, "EV_9")["signals"]
    assert (signal["count"], signal["nonfinite"], signal["mean"], signal["std"]) == (4, 2, 2.0, 1.0)


def test_the_object_has_the_columns_of_the_schema(car: Car) -> None:
    car.drive(0)
    car.decode()
    make_day(car.store, DAY)
    found = pq.read_schema(Path(car.store.root or "") / layout.fleet_key(DAY))
    assert found.names == schema.FLEET_DAILY.names
    assert found.remove_metadata().equals(schema.FLEET_DAILY, check_metadata=False)
    assert days_of(car.store) == [DAY]
    assert make_day(car.store, dt.date(2020, 1, 1)).made == []
    assert read_day(car.store, dt.date(2020, 1, 1)) is None


def test_moments_merge_without_losing_digits() -> None:
    rng = np.random.default_rng(7)
    values = 1e9 + rng.normal(0, 1, 10_000)
    parts = [values[:10], values[10:11], values[11:]]
    merged = Moments(0, 0.0, 0.0)
    for part in parts:
        mean = float(part.mean())
        merged = merged.plus(Moments(len(part), mean, float(((part - mean) ** 2).sum())))
    assert merged.count == 10_000
    assert merged.mean == pytest.approx(values.mean(), rel=1e-12)
    assert merged.std == pytest.approx(values.std(), rel=1e-6)
    assert Moments(0, 0.0, 0.0).std is None
