"""Whatever else opens Parquet opens the lake as it stands, by its Hive names, and sees the same rows as our own client.

Spark's reading is in `series/test_spark_reads`, Athena's in `query/athena`.
"""

from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.client import Lake
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.series.compact import compact_day
from tests.raw_lake import NOON, SECOND, add_dbc, land

SIGNAL = "MotorCtrl_Status.Motor_RPM"
ZONES = ("decoded", "series")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two vehicles, ten minutes each, decoded and compacted."""
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    add_dbc(store)
    raws = [land(store, f"EV_{v}", NOON + k * 60 * SECOND) for v in (1, 2) for k in range(3)]
    for _ in process_objects(store, Databases.load(store), raws):
        pass
    for partition in sorted({raw.partition for raw in raws}):
        compact_day(store, partition)
    return store


@pytest.fixture(scope="module")
def ours(lake: Store) -> list[tuple[int, float]]:
    """The samples of one signal of one vehicle: nanoseconds and values, in order."""
    read = Lake(lake.url).read("EV_1", [SIGNAL], "2026-02-23T00:00:00Z", "2026-02-24T00:00:00Z")
    rows = list(zip(read["timestamp"].cast(pl.Int64).to_list(), read["value"].to_list(), strict=True))
    assert len(rows) > 10
    return rows


def folder(lake: Store, zone: str) -> Path:
    assert lake.root is not None
    return lake.root / zone


@pytest.mark.parametrize("zone", ZONES)
def test_duckdb(lake: Store, ours: list[tuple[int, float]], zone: str) -> None:
    found = duckdb.sql(
        f"""select epoch_ns(timestamp), value from read_parquet('{folder(lake, zone)}/**/*.parquet',
        hive_partitioning=true) where vehicle_id = 'EV_1' and year = 2026 and signal_name = 'Motor_RPM' order by 1"""
    )
    assert found.fetchall() == ours


@pytest.mark.parametrize("zone", ZONES)
def test_polars(lake: Store, ours: list[tuple[int, float]], zone: str) -> None:
    found = (
        pl.scan_parquet(folder(lake, zone), hive_partitioning=True)
        .filter(vehicle_id="EV_1", month=2, signal_name="Motor_RPM")
        .sort("timestamp")
        .select(pl.col("timestamp").cast(pl.Int64), "value")
        .collect()
    )
    assert found.rows() == ours


@pytest.mark.parametrize("zone", ZONES)
def test_pandas(lake: Store, ours: list[tuple[int, float]], zone: str) -> None:
    found = pd.read_parquet(
        folder(lake, zone),
        partitioning=None,
        filters=[("vehicle_id", "==", "EV_1"), ("signal_name", "==", "Motor_RPM")],
    ).sort_values("timestamp")
    assert list(zip(found["timestamp"].astype("int64"), found["value"], strict=True)) == ours


def test_arrow_reads_raw_frames_too(lake: Store) -> None:
    frames = ds.dataset(folder(lake, "raw"), partitioning=None)
    assert frames.count_rows(filter=ds.field("vehicle_id") == "EV_1") == 300
