"""What answers look like as Polars frames: their columns, their types. Nothing is read here."""

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from telemetry_pipeline.query.reader import Buckets, Session, Signal, SignalName, Vehicle
from telemetry_pipeline.rules.interval import Interval

TIME: Final = pl.Datetime("ns", "UTC")

_TEXTS: Final = ("message_name", "signal_name", "unit")

NO_ROWS: Final = pl.DataFrame(
    schema={
        "timestamp": TIME,
        "message_name": pl.String,
        "signal_name": pl.String,
        "value": pl.Float64,
        "unit": pl.String,
        "channel": pl.String,
    }
)
"""Samples, and none of them."""


def warn_of(skipped: int) -> None:
    """Say that objects of the lake could not be read: what they hold is missing from the answer."""
    if skipped:
        warnings.warn(
            f"{skipped} objects of the range cannot be read: `telemetry verify` names them", stacklevel=4
        )


def instants(ns: Sequence[int | None] | NDArray[np.int64]) -> pl.Series:
    """Nanoseconds since the epoch as instants."""
    return pl.Series(ns, dtype=pl.Int64).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")


def timed(table: pa.Table) -> pl.DataFrame:
    """A table of the lake, whose times know no zone and whose names are dictionaries."""
    frame: Any = pl.from_arrow(table)
    found: pl.DataFrame = frame.with_columns(
        pl.col("timestamp").dt.replace_time_zone("UTC"), pl.selectors.categorical().cast(pl.String)
    )
    return found


def rows(table: pa.Table) -> pl.DataFrame:
    """A table of samples."""
    return timed(table.select(NO_ROWS.columns))


def wide(samples: pl.DataFrame, names: Sequence[SignalName]) -> pl.DataFrame:
    """Samples as one Float64 column per signal, over the instants of all of them."""
    frame = samples.select("timestamp").unique().sort("timestamp")
    for message, signal in names:
        own = samples.filter((pl.col("message_name") == message) & (pl.col("signal_name") == signal))
        column = own.group_by("timestamp", maintain_order=True).agg(pl.col("value").last())
        frame = frame.join(column.rename({"value": f"{message}.{signal}"}), on="timestamp", how="left")
    return frame.sort("timestamp")


def vehicles(found: Sequence[Vehicle]) -> pl.DataFrame:
    """One row per vehicle."""
    return pl.DataFrame(
        {
            "vehicle_id": pl.Series([vehicle.vehicle_id for vehicle in found], dtype=pl.String),
            "first": instants([vehicle.first_ns for vehicle in found]),
            "last": instants([vehicle.last_ns for vehicle in found]),
            "frames": pl.Series([vehicle.frames for vehicle in found], dtype=pl.Int64),
        }
    )


def sessions(found: Sequence[Session]) -> pl.DataFrame:
    """One row per session."""
    return pl.DataFrame(
        {
            "first": instants([session.first_ns for session in found]),
            "last": instants([session.last_ns for session in found]),
            "frames": pl.Series([session.frames for session in found], dtype=pl.Int64),
        }
    )


def signals(found: Sequence[Signal]) -> pl.DataFrame:
    """One row per signal."""
    return pl.DataFrame(
        [(each.message, each.signal, each.unit, each.minimum, each.maximum, each.mean) for each in found],
        orient="row",
        schema={**dict.fromkeys(_TEXTS, pl.String), **dict.fromkeys(("min", "max", "mean"), pl.Float64)},
    )


def buckets(found: Buckets, names: Sequence[SignalName]) -> pl.DataFrame:
    """One row per signal and bucket."""
    parts = []
    for name in names:
        made = found.rows[name]
        with np.errstate(invalid="ignore", divide="ignore"):
            std = np.sqrt(made.sum_sq_dev / made.finite)
        numbers = {
            **{key: getattr(made, key) for key in ("count", "nonfinite", "min", "max", "mean")},
            "std": std,
            "first": made.first,
            "last": made.last,
        }
        texts = zip(_TEXTS, (*name, found.units[name]), strict=True)
        parts.append(
            pl.DataFrame({"timestamp": instants(made.bucket), **numbers}).select(
                "timestamp", *(pl.lit(text).alias(column) for column, text in texts), *numbers
            )
        )
    return pl.concat(parts)


def events(found: Sequence[Interval]) -> pl.DataFrame:
    """One row per event."""
    judged = [event.series for event in found]
    texts = {
        "rule": [series.rule for series in judged],
        "severity": [series.severity for series in judged],
        "description": [series.description for series in judged],
        "message_name": [series.message for series in judged],
        "signal_name": [series.signal for series in judged],
        "unit": [event.unit for event in found],
        "channel": [series.channel for series in judged],
        "condition": [series.condition for series in judged],
    }
    columns = {name: pl.Series(values, dtype=pl.String) for name, values in texts.items()}
    columns |= {
        "first": instants([event.first_ns for event in found]),
        "last": instants([event.last_ns for event in found]),
        "samples": pl.Series([event.samples for event in found], dtype=pl.Int64),
        "worst": pl.Series([event.worst for event in found], dtype=pl.Float64),
        "worst_at": instants([event.worst_ns for event in found]),
        "open_start": pl.Series([event.open_start for event in found], dtype=pl.Boolean),
        "open_end": pl.Series([event.open_end for event in found], dtype=pl.Boolean),
    }
    order = ("rule", "severity", "description", "first", "last")
    return pl.DataFrame({**{name: columns[name] for name in order}, **columns})
