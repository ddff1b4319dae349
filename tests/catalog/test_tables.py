"""How tables are declared: without a client, without a network."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from telemetry_pipeline.catalog.hive import hive_columns, hive_type
from telemetry_pipeline.catalog.projection import projection
from telemetry_pipeline.catalog.tables import (
    DECODED_SIGNALS,
    FLEET_DAILY,
    RAW_CAN_FRAMES,
    TABLES,
    Table,
    partition_input,
    table_input,
)
from telemetry_pipeline.errors import Unforeseen
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import land

LAKE = "s3://bucket/fleet"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_declares_every_column_once_and_times_as_bigint(table: Table) -> None:
    given = table_input(table, LAKE)
    columns = {column["Name"]: column["Type"] for column in given["StorageDescriptor"]["Columns"]}
    keys = [key["Name"] for key in given["PartitionKeys"]]
    assert {key["Type"] for key in given["PartitionKeys"]} == {"string"}
    assert not set(columns) & set(keys)
    assert set(columns) | set(keys) >= set(table.columns.names)
    assert len(columns) == len(given["StorageDescriptor"]["Columns"])
    times = [field.name for field in table.columns if pa.types.is_timestamp(field.type)]
    assert {columns[name] for name in times} <= {"bigint"}
    assert given["StorageDescriptor"]["Location"] == f"{LAKE}/{table.prefix}"
    assert "ParquetHiveSerDe" in given["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]


def test_the_two_tables_of_the_contract_are_as_it_says() -> None:
    decoded = table_input(DECODED_SIGNALS, LAKE)
    assert [key["Name"] for key in decoded["PartitionKeys"]] == ["vehicle_id", "year", "month", "day"]
    assert {c["Name"]: c["Type"] for c in decoded["StorageDescriptor"]["Columns"]} == {
        "timestamp": "bigint",
        "value": "double",
        **dict.fromkeys(("message_name", "signal_name", "unit", "channel"), "string"),
    }
    raw = {c["Name"]: c["Type"] for c in hive_columns(RAW_CAN_FRAMES.columns, RAW_CAN_FRAMES.keys)}
    assert (raw["arb_id"], raw["dlc"], raw["data"], raw["is_fd"]) == (
        "bigint",
        "smallint",
        "binary",
        "boolean",
    )


def test_the_fleet_has_a_vehicle_column_and_signals_as_structs() -> None:
    columns = {c["Name"]: c["Type"] for c in table_input(FLEET_DAILY, LAKE)["StorageDescriptor"]["Columns"]}
    assert columns["vehicle_id"] == "string"
    assert columns["signals"].startswith("array<struct<message_name:string,signal_name:string,unit:string,")
    assert hive_type(schema.FLEET_SIGNAL).count("double") == 4


def test_a_type_that_nobody_declared_is_an_error() -> None:
    with pytest.raises(Unforeseen, match="halffloat"):
        hive_type(pa.float16())


def test_partitions_are_found_in_the_lake_and_strangers_are_not(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    land(folder_lake, "EV_2")
    folder_lake.put("raw/lost+found/x", b"")
    folder_lake.put("raw/vehicle_id=EV_1/notes/x", b"")
    found = sorted(RAW_CAN_FRAMES.partitions(folder_lake))
    assert found[0] == raw.partition.prefix(layout.RAW)
    assert [RAW_CAN_FRAMES.values(prefix) for prefix in found] == [
        ("EV_1", "2026", "02", "23"),
        ("EV_2", "2026", "02", "23"),
    ]


def test_a_partition_is_where_the_layout_puts_it(folder_lake: Store) -> None:
    prefix = land(folder_lake, "EV_1").partition.prefix(layout.DECODED)
    given = partition_input(DECODED_SIGNALS, LAKE, prefix)
    assert given["Values"] == ["EV_1", "2026", "02", "23"]
    assert given["StorageDescriptor"]["Location"] == f"{LAKE}/{prefix}"
    for stranger in ("decoded/vehicle_id=EV_1/", "raw/vehicle_id=EV_1/year=2026/month=02/day=23/"):
        with pytest.raises(ValueError, match="no partition of decoded_signals"):
            partition_input(DECODED_SIGNALS, LAKE, stranger)


def test_projection_says_where_each_partition_lies() -> None:
    given = projection(DECODED_SIGNALS, LAKE, (2024, 2030))
    assert given["projection.enabled"] == "true"
    assert given["projection.vehicle_id.type"] == "injected"
    assert given["projection.year.range"] == "2024,2030"
    assert (given["projection.month.range"], given["projection.month.digits"]) == ("1,12", "2")
    template = given["storage.location.template"]
    for key, value in (("vehicle_id", "EV_1"), ("year", "2026"), ("month", "02"), ("day", "23")):
        template = template.replace(f"${{{key}}}", value)
    assert DECODED_SIGNALS.values(template.removeprefix(f"{LAKE}/")) == ("EV_1", "2026", "02", "23")


def test_the_docs_show_the_projection_that_the_code_makes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
    shown = dict(re.findall(r"'([\w.]+)' = '([^']+)'", page))
    assert shown == projection(DECODED_SIGNALS, "s3://bucket/prefix", (2024, 2035))


def test_the_docs_list_every_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
    for table in TABLES:
        keys = ", ".join(f"`{key}`" for key in table.keys)
        assert re.search(rf"\| `{table.name}` \|.*\| {keys} \|", page), table.name
