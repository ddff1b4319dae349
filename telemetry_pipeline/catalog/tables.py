"""The tables that a query engine sees, and how each is declared to Glue. No client, no network.

Columns come from `lake.schema`, places from `lake.layout`: this file spells neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import pyarrow as pa

from telemetry_pipeline.catalog.hive import hive_columns
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.compacted import OVERVIEW
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store

_PARQUET: Final = "org.apache.hadoop.hive.ql.io.parquet"


@dataclass(frozen=True)
class Table:
    """One table of the catalogue.

    Attributes:
        name: Its name in the database.
        columns: What is in its objects.
        prefix: Where they lie, with a trailing slash.
        keys: The partition columns, strings, as the directories below the prefix name them.
        description: One sentence for whoever looks around.
    """

    name: str
    columns: pa.Schema
    prefix: str
    keys: tuple[str, ...]
    description: str

    def values(self, prefix: str) -> tuple[str, ...] | None:
        """The partition values that a directory below the table's prefix stands for, or None if it is none of ours."""
        if not prefix.startswith(self.prefix):
            return None
        named = layout.hive_values(prefix.removeprefix(self.prefix))
        return tuple(named.values()) if tuple(named) == self.keys else None

    def prefix_of(self, partition: Partition) -> str:
        """Where a vehicle-day lies in a table whose partitions are vehicle-days."""
        return partition.prefix(cast("layout.Zone", self.prefix.rstrip("/")))

    def partitions(self, store: Store) -> Iterator[str]:
        """The prefixes of the partitions that the lake holds, with trailing slashes: a listing per directory."""
        yield from self._below(store, self.prefix, 0)

    def _below(self, store: Store, prefix: str, depth: int) -> Iterator[str]:
        if depth == len(self.keys):
            yield prefix
            return
        for found in store.list_dirs(prefix):
            below = f"{found.rstrip('/')}/"
            if tuple(layout.hive_values(below.removeprefix(self.prefix))) == self.keys[: depth + 1]:
                yield from self._below(store, below, depth + 1)


RAW_CAN_FRAMES: Final = Table(
    "raw_can_frames",
    schema.RAW_FD,
    f"{layout.RAW}/",
    layout.DAY_KEYS,
    "CAN frames as vehicles recorded them; timestamp is nanoseconds since 1970 UTC.",
)
DECODED_SIGNALS: Final = Table(
    "decoded_signals",
    schema.DECODED,
    f"{layout.DECODED}/",
    layout.DAY_KEYS,
    "Signal values, one row per value; timestamp is nanoseconds since 1970 UTC.",
)
FLEET_DAILY: Final = Table(
    "fleet_daily",
    schema.FLEET_DAILY,
    layout.FLEET,
    layout.DAY_KEYS[1:],
    "One row per vehicle and day: frames, distance, decode health, statistics of every signal.",
)

EVENTS: Final = Table(
    "events",
    schema.EVENTS,
    f"{layout.EVENTS}/",
    layout.DAY_KEYS,
    "Intervals in which a threshold rule held; timestamps are nanoseconds since 1970 UTC.",
)
SIGNAL_SERIES: Final = Table(
    "signal_series",
    schema.SERIES,
    f"{layout.SERIES}/",
    layout.DAY_KEYS,
    "The rows of decoded_signals, a vehicle's day in one object; days that are compacted only.",
)
SIGNAL_OVERVIEW: Final = Table(
    "signal_overview",
    schema.OVERVIEW,
    OVERVIEW,
    ("tier", *layout.DAY_KEYS[:3]),
    "Counts, limits and sums of each signal by buckets of `tier` seconds.",
)

TABLES: Final = (RAW_CAN_FRAMES, DECODED_SIGNALS, SIGNAL_SERIES, SIGNAL_OVERVIEW, EVENTS, FLEET_DAILY)


def table_input(table: Table, lake: str) -> dict[str, Any]:
    """What Glue's CreateTable and UpdateTable take.

    Args:
        table: The table.
        lake: The lake's URL, without a trailing slash.
    """
    return {
        "Name": table.name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.keys],
        "StorageDescriptor": storage(table, lake, table.prefix),
    }


def storage(table: Table, lake: str, prefix: str) -> dict[str, Any]:
    """The storage descriptor of a table, or of one of its partitions."""
    return {
        "Columns": hive_columns(table.columns, table.keys),
        "Location": f"{lake}/{prefix}",
        "InputFormat": f"{_PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{_PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {
            "SerializationLibrary": f"{_PARQUET}.serde.ParquetHiveSerDe",
            "Parameters": {"serialization.format": "1"},
        },
    }


def partition_input(table: Table, lake: str, prefix: str) -> dict[str, Any]:
    """What Glue's BatchCreatePartition takes of one partition.

    Raises:
        ValueError: The prefix is not of this table.
    """
    values = table.values(prefix)
    if values is None:
        raise ValueError(f"{prefix} is no partition of {table.name}")
    return {"Values": list(values), "StorageDescriptor": storage(table, lake, prefix)}
