"""One overview object: a row group for each signal, so that a signal of a month is one read.

What a bucket's columns mean is not known here, only how they are packed.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.errors import BadRaw, first_line
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.parquet import FOOTER_PREFIX, open_object, read_footer

Columns = Mapping[str, NDArray[np.int64] | NDArray[np.float64]]
"""The columns of `schema.OVERVIEW` but for the names; what is null in the file is NaN, a time beside it 0. `sum` is
written, but not read."""

DAYS: Final = "days"
_NOTES: Final = "notes"
_SIGNALS: Final = "signals"
_NAMES: Final = ("message_name", "signal_name")
_DATA: Final = [field for field in schema.OVERVIEW if field.name not in _NAMES]
_READ: Final = [field for field in _DATA if field.name != "sum"]
"""The plain sum is there for SQL; readers make it of the others."""
_DELTA: Final = {field.name: "DELTA_BINARY_PACKED" for field in _DATA if not pa.types.is_floating(field.type)}
_READ_ERRORS: Final = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class DayNote:
    """What readers ask of a day in an overview beside its rows, so that they need not open its series object.

    Attributes:
        covered_ns: When the folder of its decoded objects had last changed, nanoseconds since the epoch: while that is
            so, the series object holds all of their rows. None where that is not known, as of a bucket.
        outside: The first and the last time of rows whose times are not in the day; None: there are none.
        spans: Stretches of recording: first and last time, and frames.
    """

    covered_ns: int | None
    outside: tuple[int, int] | None
    spans: tuple[tuple[int, int, int], ...]

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "DayNote":
        """Read a footer's entry.

        Raises:
            KeyError: It is none.
            TypeError: Likewise.
            ValueError: Likewise.
        """
        covered, outside = entry["covered_ns"], entry["outside"]
        spans = tuple((int(first), int(last), int(frames)) for first, last, frames in entry["spans"])
        return cls(
            None if covered is None else int(covered),
            None if outside is None else (int(outside[0]), int(outside[1])),
            spans,
        )

    def entry(self) -> dict[str, Any]:
        """The same for a footer."""
        return {"covered_ns": self.covered_ns, "outside": self.outside, "spans": self.spans}


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

    def close(self, tier: int, days: Mapping[str, str], notes: Mapping[str, DayNote] | None = None) -> None:
        """Write the footer.

        Args:
            tier: The width of a bucket in seconds.
            days: The days whose rows are in it (`2026-11-22`), with the names of the series objects they are from.
            notes: What else is known of some of the days.
        """
        footer = {"tier": tier, DAYS: dict(days), _SIGNALS: self._signals}
        if notes:
            footer[_NOTES] = {day: note.entry() for day, note in notes.items()}
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
        notes: What else is known of some of the days.
    """

    metadata: pq.FileMetaData
    days: Mapping[str, str]
    units: Mapping[tuple[str, str], str]
    groups: Mapping[tuple[str, str], int]
    notes: Mapping[str, DayNote]

    def ranges(self, names: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
        """Where the rows of signals lie in the object: where they begin and how many bytes they are."""
        found = []
        for name in names:
            if (group := self.groups.get(name)) is not None:
                meta = self.metadata.row_group(group)
                chunks = [meta.column(column) for column in range(meta.num_columns)]
                begins = [
                    min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
                    for chunk in chunks
                ]
                end = max(
                    begin + chunk.total_compressed_size for begin, chunk in zip(begins, chunks, strict=True)
                )
                found.append((min(begins), end - min(begins)))
        return found


def read_index(source: BinaryIO | pa.NativeFile, where: str) -> OverviewIndex:
    """Read the footer of an open overview object.

    Raises:
        BadRaw: It is none.
    """
    file = open_object(source, where)
    try:
        footer = {key: json.loads(text) for key, text in read_footer(file).items()}
        units = {(str(m), str(s)): str(unit) for m, s, unit in footer[_SIGNALS]}
        groups = {name: group for group, name in enumerate(units)}
        notes = {str(day): DayNote.parse(entry) for day, entry in footer.get(_NOTES, {}).items()}
        return OverviewIndex(file.metadata, dict(footer[DAYS]), units, groups, notes)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadRaw(f"not an overview object ({error})", where) from error


def read_columns(
    source: BinaryIO | pa.NativeFile, index: OverviewIndex, names: Iterable[tuple[str, str]], where: str
) -> dict[tuple[str, str], Columns]:
    """Read the rows of signals as columns; signals that the object does not have are left out.

    Raises:
        BadRaw: They cannot be read.
    """
    wanted = {index.groups[name]: name for name in names if name in index.groups}
    if not wanted:
        return {}
    groups = sorted(wanted)
    found: dict[tuple[str, str], Columns] = {}
    try:
        file = pq.ParquetFile(source, metadata=index.metadata)
        # one call for all: most of a small row group's time is the call
        table = file.read_row_groups(groups, columns=[field.name for field in _READ], use_threads=False)
        columns = {field.name: _numbers(table[field.name], field) for field in _READ}
    except _READ_ERRORS as error:
        raise BadRaw(f"its data cannot be read ({first_line(error)})", where) from error
    start = 0
    for group in groups:
        stop = start + index.metadata.row_group(group).num_rows
        # copies: one signal that is kept must not keep the others
        found[wanted[group]] = {name: values[start:stop].copy() for name, values in columns.items()}
        start = stop
    return found


def _numbers(column: pa.ChunkedArray, field: pa.Field) -> NDArray[np.int64] | NDArray[np.float64]:
    if pa.types.is_floating(field.type):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    if column.null_count:
        column = column.cast(pa.int64()).fill_null(0)
    return np.asarray(column.to_numpy()).view(np.int64)
