"""What is known of an asset as Dagster shows it: columns, numbers, rates, and small tables of what could not be decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import pyarrow as pa

from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally

TOP: Final = 20

Metadata = dict[str, dg.MetadataValue]


@dataclass(frozen=True)
class Size:
    """What a vehicle-day takes in the lake: objects and bytes of its zones."""

    raw_objects: int
    raw_bytes: int
    decoded_objects: int
    decoded_bytes: int

    @classmethod
    def of(cls, store: Store, partition: Partition) -> "Size":
        """Ask the lake: two listings."""
        raw, decoded = (
            [info.size for info in store.list_objects(partition.prefix(zone))]
            for zone in (layout.RAW, layout.DECODED)
        )
        return cls(len(raw), sum(raw), len(decoded), sum(decoded))


def of_tally(tally: Tally, total: Report, run_id: str, *, size: Size | None = None) -> Metadata:
    """What one event says of a partition.

    Args:
        tally: What this run did.
        total: The counts of everything decoded in the partition so far.
        run_id: The run that did it.
        size: What the partition takes in the lake now.
    """
    metadata: Metadata = {
        "objects": dg.MetadataValue.int(tally.decoded),
        "quarantined": dg.MetadataValue.int(len(tally.quarantined)),
        "still_pending": dg.MetadataValue.int(len(tally.failed)),
        "rows_this_run": dg.MetadataValue.int(tally.report.rows),
        "values_this_run": dg.MetadataValue.int(tally.report.values),
        "run": dg.MetadataValue.dagster_run(run_id),
        **_counts(total),
        **(_sizes(size, tally, total) if size else {}),
    }
    if recorded := sum(last - first for first, last in tally.spans):
        rate = tally.report.rows / (recorded / 1e9)
        metadata["frames_per_recorded_s"] = dg.MetadataValue.float(round(rate, 1))
    texts: dict[str, tuple[str, Mapping[str, int] | Mapping[str, str]]] = {
        "unknown_ids": ("arbitration_id", total.unknown_ids),
        "decode_errors": ("message_and_reason", total.decode_errors),
        "messages": ("message", total.messages),
        "quarantine": ("raw_object", tally.quarantined),
        "failed": ("raw_object", tally.failed),
    }
    return metadata | {name: _largest(column, values) for name, (column, values) in texts.items() if values}


def column_schema(columns: pa.Schema) -> dg.TableSchema:
    """The columns of a table, with their Arrow types."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                field.name,
                type=_type_name(field.type),
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
            for field in columns
        ]
    )


def table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dg.MetadataValue:
    """A small table of columns with their types, cut after `TOP` rows."""
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(row)) for row in rows[:TOP]],
        schema=dg.TableSchema(columns=[dg.TableColumn(name, type=kind) for name, kind in columns.items()]),
    )


def _counts(report: Report) -> Metadata:
    names = (*CLASSES, "outside_day", "other_vehicle")
    metadata: Metadata = {name: dg.MetadataValue.int(getattr(report, name)) for name in names}
    if report.rows:
        metadata["decoded_share"] = dg.MetadataValue.float(report.decoded_frames / report.rows)
        metadata["unknown_id_share"] = dg.MetadataValue.float(report.unknown_id / report.rows)
    return metadata


def _sizes(size: Size, tally: Tally, report: Report) -> Metadata:
    metadata: Metadata = {
        "raw_bytes": dg.MetadataValue.int(size.raw_bytes),
        "decoded_bytes": dg.MetadataValue.int(size.decoded_bytes),
        "decoded_objects": dg.MetadataValue.int(size.decoded_objects),
    }
    if tally.decoded == size.decoded_objects:
        # the account of a partition keeps no signals: its rows are known where one run decoded all of them
        metadata["dagster/row_count"] = dg.MetadataValue.int(tally.report.values)
    if size.raw_bytes:
        # how much the day grows by being decoded, and what a frame takes before
        metadata["decoded_to_raw"] = dg.MetadataValue.float(round(size.decoded_bytes / size.raw_bytes, 3))
    if report.rows:
        metadata["raw_bytes_per_frame"] = dg.MetadataValue.float(round(size.raw_bytes / report.rows, 2))
    return metadata


def _largest(column: str, values: Mapping[str, int] | Mapping[str, str]) -> dg.MetadataValue:
    """Counts with the largest first, or texts in their keys' order."""
    rows: list[tuple[str, int | str]] = sorted(values.items())
    rows.sort(key=lambda row: -row[1] if isinstance(row[1], int) else 0)
    counted = bool(rows) and isinstance(rows[0][1], int)
    name = "frames" if counted else "reason"
    return table(
        {column: "string", name: "int" if counted else "string"},
        [{column: key, name: value} for key, value in rows],
    )


def _type_name(arrow: pa.DataType) -> str:
    return str(arrow.value_type) if pa.types.is_dictionary(arrow) else str(arrow)
