"""A decode report as Dagster shows it: numbers, shares, and small tables of what could not be decoded."""

from collections.abc import Mapping
from typing import Final

import dagster as dg

from telemetry_pipeline.decode.report import CLASSES, Report
from telemetry_pipeline.process import Tally

TOP: Final = 20

Metadata = dict[str, dg.MetadataValue]


def of_tally(tally: Tally, total: Report, run_id: str) -> Metadata:
    """What one event says of a partition.

    Args:
        tally: What this run did.
        total: The counts of everything decoded in the partition so far.
        run_id: The run that did it.
    """
    metadata: Metadata = {
        "objects": dg.MetadataValue.int(tally.decoded),
        "quarantined": dg.MetadataValue.int(len(tally.quarantined)),
        "still_pending": dg.MetadataValue.int(len(tally.failed)),
        "rows_this_run": dg.MetadataValue.int(tally.report.rows),
        "run": dg.MetadataValue.dagster_run(run_id),
        **_counts(total),
    }
    tables: dict[str, tuple[str, Mapping[str, int] | Mapping[str, str]]] = {
        "unknown_ids": ("arbitration_id", total.unknown_ids),
        "decode_errors": ("message_and_reason", total.decode_errors),
        "messages": ("message", total.messages),
        "quarantine": ("raw_object", tally.quarantined),
        "failed": ("raw_object", tally.failed),
    }
    for name, (column, values) in tables.items():
        if values:
            metadata[name] = _table(column, values)
    return metadata


def _counts(report: Report) -> Metadata:
    names = (*CLASSES, "outside_day", "other_vehicle")
    metadata: Metadata = {name: dg.MetadataValue.int(getattr(report, name)) for name in names}
    if report.rows:
        metadata["decoded_share"] = dg.MetadataValue.float(report.decoded_frames / report.rows)
        metadata["unknown_id_share"] = dg.MetadataValue.float(report.unknown_id / report.rows)
    return metadata


def _table(column: str, values: Mapping[str, int] | Mapping[str, str]) -> dg.MetadataValue:
    """Counts with the largest first, or texts in their keys' order."""
    rows: list[tuple[str, int | str]] = sorted(values.items())
    rows.sort(key=lambda row: -row[1] if isinstance(row[1], int) else 0)
    counted = bool(rows) and isinstance(rows[0][1], int)
    name = "frames" if counted else "reason"
    return dg.MetadataValue.table(
        [dg.TableRecord({column: key, name: value}) for key, value in rows[:TOP]],
        schema=dg.TableSchema(
            columns=[
                dg.TableColumn(column, type="string"),
                dg.TableColumn(name, type="int" if counted else "string"),
            ]
        ),
    )
