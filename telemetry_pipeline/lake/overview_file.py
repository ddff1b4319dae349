"""One overview object: a row group for each signal, so that a signal of a month is one read.

What a bucket's columns mean is not known here, only how they are packed.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.parquet import FOOTER_PREFIX, open_object, read_footer

Columns = Mapping[str, NDArray[np.int64] | NDArray[np.float64]]
"""The columns of `schema.OVERVIEW` but for the names; what is null in the file is NaN, a time beside it 0."""

DAYS: Final = "days"
_SIGNALS: Final = "signals"
_NAMES: Final = ("message_name", "signal_name")
_DATA: Final = [field for field in schema.OVERVIEW if field.name not in _NAMES]
_DELTA: Final = {field.name: "DELTA_BINARY_PACKED" for field in _DATA if not pa.types.is_floating(field.type)}
_READ_ERRORS: Final = (pa.ArrowException, OSError, ValueError)


class OverviewWriter:
    """Writes the signals of one tier, which come sorted by message and name.

    Args:
        sink: Where the object goes; it is not closed.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._out = pq.ParquetWriter(
            sink,
            schema.OVERVIEW,
            compression="zstd",
            compression_level=3,
            store_schema=False,
            use_dictionary=list(_NAMES),
            column_encoding=_DELTA,
            write_statistics=[*_NAMES, "bucket"],
        )
        self._signals: list[tuple[str, str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()  # of an object that nobody finished, too, and before its file is closed

    def add(self, message: str, signal: str, unit: str, columns: Columns) -> None:
        """Add a signal's rows, at least one, in order of time."""
        rows = len(columns["bucket"])
        none = np.isnan(columns["min"])
        mask = none if none.any() else None
        arrays = [pa.repeat(pa.scalar(name), rows) for name in (message, signal)]
        arrays += [
            pa.array(columns[field.name], mask=mask if field.nullable else None).cast(field.type)
            for field in _DATA
        ]
        self._out.write_table(pa.table(arrays, schema=schema.OVERVIEW), row_group_size=rows)
        self._signals.append((message, signal, unit))

    def close(self, tier: int, days: Mapping[str, str]) -> None:
        """Write the footer.

        Args:
            tier: The width of a bucket in seconds.
            days: The days whose rows are in it (`2026-11-22`), with the names of the series objects they are from.
        """
        footer = {"tier": tier, DAYS: dict(days), _SIGNALS: self._signals}
        self._out.add_key_value_metadata(
            {
                f"{FOOTER_PREFIX}{key}": json.dumps(value, separators=(",", ":"))
                for key, value in footer.items()
            }
        )
        self._out.close()
        self._sink.flush()


@dataclass(frozen=True)
class OverviewIndex:
    """What the footer of an overview object says.

    Attributes:
        metadata: The footer itself.
        days: The days in it (`2026-11-22`), with the names of the series objects they are from.
        units: Its signals by (message, signal), in the order of the row groups, with their units.
        groups: The row group of each.
    """

    metadata: pq.FileMetaData
    days: Mapping[str, str]
    units: Mapping[tuple[str, str], str]
    groups: Mapping[tuple[str, str], int]


def read_index(source: BinaryIO, where: str) -> OverviewIndex:
    """Read the footer of an open overview object.

    Raises:
        BadRaw: It is none.
    """
    file = open_object(source, where)
    try:
        footer = {key: json.loads(text) for key, text in read_footer(file).items()}
        units = {(str(m), str(s)): str(unit) for m, s, unit in footer[_SIGNALS]}
        groups = {name: group for group, name in enumerate(units)}
        return OverviewIndex(file.metadata, dict(footer[DAYS]), units, groups)
    except (KeyError, TypeError, ValueError) as error:
        raise BadRaw(f"not an overview object ({error})", where) from error


def read_columns(
    source: BinaryIO, index: OverviewIndex, names: Iterable[tuple[str, str]], where: str
) -> dict[tuple[str, str], Columns]:
    """Read the rows of signals as columns; signals that the object does not have are left out.

    Raises:
        BadRaw: They cannot be read.
    """
    found: dict[tuple[str, str], Columns] = {}
    try:
        file = pq.ParquetFile(source, metadata=index.metadata)
        for name in names:
            if (group := index.groups.get(name)) is not None:
                table = file.read_row_group(group, columns=[field.name for field in _DATA], use_threads=False)
                found[name] = {field.name: _numbers(table[field.name], field) for field in _DATA}
    except _READ_ERRORS as error:
        first_line = str(error).partition("\n")[0]
        raise BadRaw(f"its data cannot be read ({first_line})", where) from error
    return found


def _numbers(column: pa.ChunkedArray, field: pa.Field) -> NDArray[np.int64] | NDArray[np.float64]:
    if pa.types.is_floating(field.type):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    return np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(), dtype=np.int64)
