"""Rows as Athena returns them, in no order, as series and buckets in order of time."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.rows import Samples
from telemetry_pipeline.series.tiers import TierRows

_NAME: Final = ["message_name", "signal_name"]
_COLUMNS: Final = {"count": "n", "first": "v_first", "last": "v_last", "min": "v_min", "max": "v_max"}
"""Columns that are not called as in `TierRows`: those are functions in SQL."""


def samples_of(frame: pl.DataFrame) -> tuple[dict[SignalName, Samples], dict[SignalName, str]]:
    """Samples by signal in order of time, of equal times the smaller value first, and the unit of the last one."""
    samples: dict[SignalName, Samples] = {}
    units: dict[SignalName, str] = {}
    for name, rows in _by_signal(frame):
        t, v = _int(rows["t"]), _float(rows["v"])
        order = np.lexsort((v, t))
        samples[name] = (t[order], v[order])
        units[name] = _text(rows["unit"][int(order[-1])])
    return samples, units


def buckets_of(frame: pl.DataFrame) -> tuple[dict[SignalName, TierRows], dict[SignalName, str]]:
    """Buckets by signal in order of time, and the unit of the last one."""
    buckets: dict[SignalName, TierRows] = {}
    units: dict[SignalName, str] = {}
    for name, unsorted in _by_signal(frame):
        rows = unsorted.sort("bucket")
        columns: dict[str, Any] = {
            field.name: (_float if rows[column].dtype.is_float() else _int)(rows[column])
            for field in fields(TierRows)
            for column in [_COLUMNS.get(field.name, field.name)]
        }
        buckets[name] = TierRows(**columns)
        units[name] = _text(rows["unit"][-1])
    return buckets, units


def _by_signal(frame: pl.DataFrame) -> Iterator[tuple[SignalName, pl.DataFrame]]:
    if frame.height:
        for (message, signal), rows in frame.partition_by(_NAME, as_dict=True).items():
            yield (str(message), str(signal)), rows


def _int(column: pl.Series) -> NDArray[np.int64]:
    return np.ascontiguousarray(column.to_numpy(), dtype=np.int64)


def _float(column: pl.Series) -> NDArray[np.float64]:
    """What is null is NaN: of a bucket without finite values there is no minimum."""
    return np.ascontiguousarray(column.fill_null(np.nan).to_numpy(), dtype=np.float64)


def _text(value: object) -> str:
    return "" if value is None else str(value)
