"""Decoded rows as arrays: the three columns that rules look at, by channel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.lake import schema

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

COLUMNS: Final = ("timestamp", "value", "channel")
"""What is read of a row; other writers' objects may have no channel."""


@dataclass(frozen=True)
class Rows:
    """Some decoded rows.

    Attributes:
        times: int64 nanoseconds since the epoch, shape (n,).
        values: float64, as many.
        channels: The names of channels that may be among them.
        codes: Each row's position in `channels`, or None when all are of the first.
    """

    times: Times
    values: Values
    channels: tuple[str, ...]
    codes: npt.NDArray[np.integer] | None

    @classmethod
    def of(cls, table: pa.Table) -> "Rows":
        """The rows of a table; nothing is copied that lies in one piece."""
        stamps = table["timestamp"]
        if stamps.type != schema.TIMESTAMP:
            stamps = stamps.cast(schema.TIMESTAMP)
        times, values = stamps.cast(pa.int64()).to_numpy(), table["value"].to_numpy()
        if "channel" not in table.column_names or not table.num_rows:
            return cls(times, values, ("",), None)
        column = table["channel"]
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        encoded = column.chunk(0) if column.num_chunks == 1 else column.unify_dictionaries().combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0)
        channels = tuple(encoded.dictionary.to_pylist())
        return cls(times, values, channels, None if len(channels) == 1 else encoded.indices.to_numpy())

    def part(self, start: int, end: int) -> "Rows":
        """The rows from one number up to another."""
        codes = None if self.codes is None else self.codes[start:end]
        return Rows(self.times[start:end], self.values[start:end], self.channels, codes)

    def by_channel(self) -> Iterator[tuple[str, Times, Values]]:
        """Times and values of each channel that has rows."""
        if self.codes is None:
            yield self.channels[0], self.times, self.values
            return
        for code in np.unique(self.codes).tolist():
            chosen = self.codes == code
            yield self.channels[code], self.times[chosen], self.values[chosen]


def join_channels(parts: Iterable[Rows]) -> Iterator[tuple[str, Times, Values]]:
    """Times and values of each channel over several parts, in their order."""
    held = list(parts)
    if len(held) == 1:
        yield from held[0].by_channel()
        return
    pieces: dict[str, list[tuple[Times, Values]]] = {}
    for part in held:
        for channel, times, values in part.by_channel():
            pieces.setdefault(channel, []).append((times, values))
    for channel, found in sorted(pieces.items()):
        yield channel, np.concatenate([t for t, _ in found]), np.concatenate([v for _, v in found])
