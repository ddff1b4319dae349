"""What a notebook gets of a lake, against plain Polars over the lake's own objects."""

import datetime as dt
from functools import partial

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.client import Lake
from telemetry_pipeline.errors import BadQuery, BadSetting, NotFound, NoVehicle
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.series.compact import compact_day
from tests.raw_lake import NOON, SECOND, add_dbc, frames, land

V = "VIN1"
MIDNIGHT = NOON + 12 * 3_600 * SECOND
START = dt.datetime(2026, 2, 23, 11, tzinfo=dt.UTC)
END = dt.datetime(2026, 2, 24, 11, tzinfo=dt.UTC)
RPM, TORQUE = "MotorCtrl_Status.Motor_RPM", "MotorCtrl_Status.Motor_Torque"
TIME = pl.Datetime("ns", "UTC")


@pytest.fixture
def lake(folder_lake):
    """Three objects of one vehicle, the last across midnight, the first day compacted but for the last object."""
    add_dbc(folder_lake)
    raws = [land(folder_lake, V, NOON, 300), land(folder_lake, V, NOON + SECOND, 50)]
    decode(folder_lake, raws)
    compact_day(folder_lake, raws[0].partition)
    decode(folder_lake, [land(folder_lake, V, MIDNIGHT - SECOND, 150)])
    return folder_lake


def decode(store, raws):
    for outcome in process_objects(store, Databases.load(store), raws):
        assert outcome.report is not None


def decoded_rows(store):
    parts = [
        pl.read_parquet(store.get(info.key)).with_columns(pl.selectors.categorical().cast(pl.String))
        for info in store.list_objects(layout.vehicle_prefix(layout.DECODED, V))
    ]
    rows = pl.concat(parts).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    return rows.drop("vehicle_id")


def test_every_sample_comes_once(lake):
    found = Lake(lake.root).read(V, [RPM], START, END)
    expected = decoded_rows(lake).filter(pl.col("signal_name") == "Motor_RPM")
    assert found.height == 500
    assert found["timestamp"].is_sorted()
    assert_frame_equal(found, expected.select(found.columns), check_row_order=False)


def test_a_message_stands_for_all_of_its_signals(lake):
    client = Lake(lake.root)
    found = client.read(V, ["MotorCtrl_Status.*", RPM], START, END)
    assert_frame_equal(found, decoded_rows(lake).select(found.columns), check_row_order=False)
    batches = list(client.batches(V, ["MotorCtrl_Status.*"], START, END))
    assert_frame_equal(pl.concat(batches), found)


def test_a_range_is_half_open_and_may_be_written_as_text(lake):
    found = Lake(lake.root).read(V, [RPM], "2026-02-23T12:00:00Z", "2026-02-23T13:00:01+01:00")
    assert found.height == 100
    assert found["timestamp"].max() < dt.datetime(2026, 2, 23, 12, 0, 1, tzinfo=dt.UTC)


def test_wide_has_a_row_per_instant(lake):
    found = Lake(lake.root).read(V, [RPM, TORQUE], START, END, wide=True)
    assert found.columns == ["timestamp", RPM, TORQUE]
    rows = decoded_rows(lake)
    assert found["timestamp"].to_list() == sorted(set(rows["timestamp"].to_list()))
    assert found[RPM].null_count() == found[TORQUE].null_count() == 0
    assert found.filter(pl.col("timestamp") == START + dt.timedelta(hours=1, milliseconds=20))[
        RPM
    ].to_list() == [2]


def test_buckets_are_those_of_all_samples(lake):
    found = Lake(lake.root).buckets(V, [RPM], START, END, dt.timedelta(seconds=2))
    rows = decoded_rows(lake).filter(pl.col("signal_name") == "Motor_RPM").sort("timestamp")
    expected = rows.group_by_dynamic("timestamp", every="2s").agg(
        pl.len().cast(pl.Int64).alias("count"),
        pl.col("value").min().alias("min"),
        pl.col("value").max().alias("max"),
        pl.col("value").mean().alias("mean"),
        pl.col("value").std(ddof=0).alias("std"),
    )
    assert_frame_equal(found.select(expected.columns), expected, rel_tol=1e-12)
    assert found["unit"].unique().to_list() == ["rpm"]


def test_what_there_is(lake):
    client = Lake(lake.root)
    assert client.vehicles().select("vehicle_id", "frames").rows() == [(V, 500)]
    assert client.vehicles().schema["last"] == TIME
    assert client.sessions(V)["frames"].to_list() == [150, 350]
    signals = client.signals(V)
    assert signals.columns == ["message_name", "signal_name", "unit", "min", "max", "mean"]
    assert ("MotorCtrl_Status", "Motor_RPM", "rpm") in signals.select(signals.columns[:3]).rows()


def test_raw_frames_come_as_they_were_heard(lake):
    found = Lake(lake.root).frames(V, START, END)
    assert found.height == 500
    assert found.schema["timestamp"] == TIME
    assert found["timestamp"].is_sorted()
    assert found["data"][0] == bytes(8)
    one = Lake(lake.root).frames(V, "2026-02-24T00:00:00Z", "2026-02-24T00:00:00.1Z")
    assert one.height == 10
    assert Lake(lake.root).frames(V, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z").schema == found.schema


def test_flags_of_can_fd_stand_in_raw_frames(lake):
    table = frames(V, NOON + 2 * SECOND, 2)
    flags = (pa.array([True, False]), pa.array([False, True]))
    for field, flag in zip(schema.FD_FLAGS, flags, strict=True):
        table = table.append_column(field, flag)
    lake.put(RawObject.starting(V, NOON + 2 * SECOND).key, write_raw(table))
    found = Lake(lake.root).frames(V, START, END)
    assert found.columns == schema.RAW_FD.names
    assert found.select(pl.col(*schema.FD_FLAGS.names).sum()).row(0) == (1, 1)


def test_what_cannot_be_read_is_said(lake):
    lake.put(RawObject.starting(V, NOON + 60 * SECOND).key, b"nothing")
    with pytest.warns(UserWarning, match="1 objects"):
        assert Lake(lake.root).frames(V, START, END).height == 500


def test_events_have_their_rule(folder_lake):
    rules = b"""
rules:
  - name: fast
    signal: MotorCtrl_Status.Motor_RPM
    condition: "> 100"
    severity: warning
    description: Faster than it should be
"""
    add_dbc(folder_lake)
    folder_lake.put(layout.RULES, rules)
    decode(folder_lake, [land(folder_lake, V, NOON, 200)])
    (event,) = Lake(folder_lake.root).events(V, START, END).rows(named=True)
    assert (event["rule"], event["severity"], event["worst"], event["samples"]) == (
        "fast",
        "warning",
        199,
        99,
    )
    assert event["first"] == dt.datetime(2026, 2, 23, 12, 0, 1, 10_000, tzinfo=dt.UTC)


def test_nothing_is_still_a_frame(lake):
    client = Lake(lake.root)
    found = client.read(V, [RPM], "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
    assert found.schema == client.read(V, [RPM], START, END).schema
    assert found.is_empty()
    assert client.events(V, START, END).is_empty()


def test_what_cannot_be_asked_is_refused(lake):
    client = Lake(lake.root)
    with pytest.raises(BadQuery, match="not a signal"):
        client.read(V, ["Motor_RPM"], START, END)
    with pytest.raises(BadQuery, match="no time zone"):
        client.read(V, [RPM], dt.datetime(2026, 2, 23), END)  # noqa: DTZ001  that is the point
    with pytest.raises(BadQuery, match="not after"):
        client.read(V, [RPM], END, START)
    with pytest.raises(BadQuery, match="out of reach"):
        client.read(V, [RPM], START, dt.datetime.max.replace(tzinfo=dt.UTC))
    for ask in (client.read, partial(client.buckets, every=dt.timedelta(minutes=1))):
        with pytest.raises(BadQuery, match="no signal is asked for"):
            ask(V, [], START, END)
    with pytest.raises(BadQuery, match="201 signals are asked for, the limit is 200"):
        client.read(V, [f"Motor.Signal{number}" for number in range(201)], START, END)
    with pytest.raises(BadQuery, match="no width"):
        client.buckets(V, [RPM], START, END, dt.timedelta(0))
    with pytest.raises(NotFound):
        client.read(V, ["MotorCtrl_Status.Nothing"], START, END)
    with pytest.raises(NoVehicle):
        client.sessions("NOBODY")
    with pytest.raises(BadSetting):
        Lake("ftp://somewhere/else")


def test_the_settings_name_the_lake(lake, monkeypatch):
    monkeypatch.setenv("TELEMETRY_LAKE", lake.root.as_uri())
    assert Lake().vehicles().height == 1
    assert Lake(lake.root.as_uri()).vehicles().height == 1
