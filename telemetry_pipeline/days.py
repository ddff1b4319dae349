"""Which day and which vehicle the frames of a raw object really belong to, against what its key says.

Only sorts and counts; what becomes of the rows is `process`' business.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.texts import only_text

NEIGHBOURS: Final = (-1, 1)
"""The day before and the day after: rows there go to that day's partition."""


@dataclass(frozen=True)
class Split:
    """Frames by day.

    Attributes:
        parts: Frames of the partition itself under 0, of its neighbours under -1 and 1; only days with frames.
        outside: Rows further off, which stay under 0.
        timed: Rows that have a time.
    """

    parts: Mapping[int, pa.Table]
    outside: int
    timed: int


def split_days(frames: pa.Table, partition: Partition) -> Split:
    """Sort frames (schema `RAW`) by day.

    Rows further off than a neighbouring day, and rows without a time, stay in the partition: no broken clock makes a
    thousand partitions.
    """
    times = frames["timestamp"].cast(pa.int64())
    timed = len(times) - times.null_count
    extremes = pc.min_max(times).as_py()
    today = partition.start_ns // DAY_NS
    if not timed or extremes["min"] // DAY_NS == extremes["max"] // DAY_NS == today:
        return Split({0: frames}, 0, timed)
    days = np.floor_divide(times.fill_null(partition.start_ns).to_numpy(), DAY_NS) - today
    parts = {}
    for day in NEIGHBOURS:
        if (there := days == day).any():
            parts[day] = frames.filter(pa.array(there))
    own = np.isin(days, NEIGHBOURS, invert=True)
    if own.any():
        parts[0] = frames.filter(pa.array(own))
    return Split(parts, int((np.abs(days) > 1).sum()), timed)


def vehicle_names(frames: pa.Table) -> dict[str, int]:
    """Rows by the vehicle that their column names; rows that name none are left out."""
    found: Counter[str] = Counter()
    for chunk in frames["vehicle_id"].chunks:
        if pa.types.is_string(chunk.type) and (text := only_text(chunk)) is not None:
            found[text] += len(chunk)
        else:
            for item in pc.value_counts(chunk).to_pylist():
                found[item["values"]] += item["counts"]
    return {name: count for name, count in found.items() if name}


def of_vehicle(frames: pa.Table, vehicle_id: str) -> pa.Table:
    """The same frames under another vehicle id."""
    index = frames.schema.get_field_index("vehicle_id")
    codes = pa.repeat(pa.scalar(0, pa.int16()), frames.num_rows)
    column = pa.DictionaryArray.from_arrays(codes, pa.array([vehicle_id]))
    return frames.set_column(index, "vehicle_id", column)
