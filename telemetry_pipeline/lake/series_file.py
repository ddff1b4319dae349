"""Writing one series object: a row group for each stretch of one signal, times that several signals share written once.

The signals of a message have the same times, and the times are most of the bytes: of what is written here, every row
group has its columns as in any Parquet file, but those with equal times point at the same pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry_pipeline.lake import chunks, schema
from telemetry_pipeline.lake.chunks import Assembly, Chunk
from telemetry_pipeline.lake.parquet import FOOTER_PREFIX
from telemetry_pipeline.lake.runs import Constants, constant

GROUP_ROWS: Final = 131_072
"""Rows of a row group: what is read at least to see one sample."""

_KEPT_TIMES: Final = 8
"""So many different series of times of a message are kept to be found again: multiplexed signals have several."""

_TIME: Final = pa.schema([schema.SERIES.field("timestamp")])
_VALUE: Final = pa.schema([schema.SERIES.field("value")])
_TIME_OPTIONS: Final = {"use_dictionary": False, "column_encoding": {"timestamp": "DELTA_BINARY_PACKED"}}
_VALUE_OPTIONS: Final = {"use_dictionary": False}
_ZSTD: Final = {"compression": "zstd", "compression_level": 3}

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Labels:
    """What a string column says row by row: `names[codes]`, or `names[0]` everywhere where there are no codes."""

    names: tuple[str, ...]
    codes: NDArray[np.int16] | None = None

    def cut(self, start: int, stop: int) -> "Labels":
        """The same of some of the rows."""
        if self.codes is None:
            return self
        codes = self.codes[start:stop]
        return Labels((self.names[codes[0]],)) if (codes == codes[0]).all() else Labels(self.names, codes)


@dataclass(frozen=True, slots=True)
class SignalRows:
    """Rows of one signal in order of time.

    Attributes:
        name: (message, signal).
        t: Times, int64 nanoseconds, ascending.
        v: float64 values, as many.
        unit: The unit of every row.
        channel: The channel of every row.
    """

    name: tuple[str, str]
    t: Times
    v: Values
    unit: Labels
    channel: Labels


@dataclass
class _Times:
    """The times of one signal, and where their chunks are."""

    t: Times
    placed: dict[int, Chunk] = field(default_factory=dict)


class SeriesWriter:
    """Writes the signals of one vehicle-day, which come sorted by message and name.

    Args:
        sink: Where the object goes; it is not closed.
        vehicle_id: The vehicle.
    """

    def __init__(self, sink: BinaryIO, vehicle_id: str) -> None:
        self._out = Assembly(sink, schema.SERIES)
        self._vehicle_id = vehicle_id
        self._message = ""
        self._constants = Constants(self._out)
        self._times: list[_Times] = []

    def add(self, rows: SignalRows) -> None:
        """Add the next rows: of the next signal, or further ones of the same; at least one."""
        (message, signal), t, v = rows.name, rows.t, rows.v
        if message != self._message:
            self._message = message
            self._times.clear()
            self._constants.forget()
        times = self._shared(t)
        for start in range(0, len(t), GROUP_ROWS):
            stop = min(start + GROUP_ROWS, len(t))
            if start not in times.placed:
                times.placed[start] = self._encoded(
                    pa.table([pa.array(t[start:stop]).cast(schema.TIMESTAMP)], schema=_TIME), _TIME_OPTIONS
                )
            size = stop - start
            self._out.add_group(
                size,
                [
                    times.placed[start],
                    self._constants.placed("vehicle_id", self._vehicle_id, size),
                    self._constants.placed("message_name", message, size),
                    self._out.place(constant("signal_name", signal, size)),
                    self._encoded(pa.table([pa.array(v[start:stop])], schema=_VALUE), _VALUE_OPTIONS),
                    self._labelled("unit", rows.unit.cut(start, stop), size),
                    self._labelled("channel", rows.channel.cut(start, stop), size),
                ],
            )

    def close(self, footer: Mapping[str, str]) -> int:
        """Write the footer with these entries of ours; returns the object's size in bytes."""
        return self._out.close({f"{FOOTER_PREFIX}{name}": text for name, text in footer.items()})

    def _shared(self, t: Times) -> _Times:
        for found in self._times:
            if len(found.t) == len(t) and np.array_equal(found.t, t):
                return found
        self._times = [_Times(t), *self._times[: _KEPT_TIMES - 1]]
        return self._times[0]

    def _encoded(self, table: pa.Table, options: Mapping[str, object]) -> Chunk:
        (chunk,) = chunks.encode(table, **_ZSTD, **options)
        return self._out.place(chunk)

    def _labelled(self, name: str, labels: Labels, rows: int) -> Chunk:
        if labels.codes is None:
            return self._constants.placed(name, labels.names[0], rows)
        column = pa.DictionaryArray.from_arrays(pa.array(labels.codes), pa.array(labels.names))
        field_ = schema.SERIES.field(name).with_type(column.type)
        return self._encoded(pa.table([column], schema=pa.schema([field_])), {"use_dictionary": True})
