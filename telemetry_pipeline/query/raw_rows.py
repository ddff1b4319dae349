"""Rows of some signals as they lie in one object: with their units and channels, a row group at a time.

Which objects there are, and in which order rows leave, is `row_export`'s business.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.footers import edges_of
from telemetry_pipeline.query.index import Run, to_ns
from telemetry_pipeline.query.objects import is_series
from telemetry_pipeline.query.reader import SignalName

_LABELS: Final = ("unit", "channel")
_NAMES: Final = ("message_name", "signal_name")

Codes = NDArray[np.int16]


class Texts:
    """Texts that columns repeat, by number. Not for several threads."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text."""
        number = self._numbers.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number

    def codes(self, column: pa.ChunkedArray | None, rows: int) -> Codes | int:
        """The number of each row's text, or the one of all rows; what is not there, and a null, is ""."""
        if column is None or not rows:
            return self.number("")
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        chunk = column.unify_dictionaries().combine_chunks()
        if isinstance(chunk, pa.ChunkedArray):
            chunk = chunk.chunk(0)
        numbers = np.array([self.number(str(text or "")) for text in chunk.dictionary.to_pylist()], np.int16)
        if len(numbers) == 1 and not chunk.null_count:
            return int(numbers[0])
        numbers = np.append(numbers, np.int16(self.number("")))
        found = numbers[chunk.indices.fill_null(len(numbers) - 1).to_numpy()]
        return int(found[0]) if (found == found[0]).all() else found


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one signal, in order of time.

    Attributes:
        signal: The signal's number among those that are wanted.
        t: int64 nanoseconds, ascending.
        v: float64 values, as many.
        unit: The numbers of their units, int16, or the one of all.
        channel: The same of their channels.
    """

    signal: int
    t: NDArray[np.int64]
    v: NDArray[np.float64]
    unit: Codes | int
    channel: Codes | int

    def __len__(self) -> int:
        return len(self.t)

    def cut(self, first: int, stop: int) -> "Rows":
        """Some of the rows, by position; they share the memory of these."""
        unit, channel = (
            label if isinstance(label, int) else label[first:stop] for label in (self.unit, self.channel)
        )
        return Rows(self.signal, self.t[first:stop], self.v[first:stop], unit, channel)

    def within(self, low: int, high: int) -> "Rows":
        """Those in [low, high)."""
        first, stop = np.searchsorted(self.t, [low, high]).tolist()
        return self.cut(first, stop)

    def apart(self) -> "Rows":
        """The same rows in memory of their own."""
        unit, channel = (
            label if isinstance(label, int) else label.copy() for label in (self.unit, self.channel)
        )
        return Rows(self.signal, self.t.copy(), self.v.copy(), unit, channel)


@dataclass(frozen=True, slots=True)
class Piece:
    """A row group of an object that holds wanted rows.

    Attributes:
        first_ns: No wanted row of it is earlier.
        group: Its number; None: all of the object, which is small or not sorted.
        start: Its first row within the object.
    """

    first_ns: int
    group: int | None
    start: int


class OpenRows:
    """One open object.

    Args:
        file: It, opened by `open_rows`.
        runs: The wanted signals that it holds.
        numbers: The numbers of the wanted signals.
        texts: Where units and channels are numbered.
    """

    def __init__(
        self,
        file: pq.ParquetFile,
        runs: Mapping[SignalName, Run],
        numbers: Mapping[SignalName, int],
        texts: Texts,
    ) -> None:
        self._file = file
        self._runs = runs
        self._numbers = numbers
        self._texts = texts
        self._columns = [name for name in ("timestamp", "value", *_LABELS) if name in file.schema_arrow.names]

    def pieces(self, low: int, high: int) -> list[Piece]:
        """The row groups that may hold wanted rows in [low, high)."""
        runs = list(self._runs.values())
        if any(run.offset is None for run in runs):
            return [Piece(max(low, min(run.first_ns for run in runs)), None, 0)]
        edges = edges_of(self._file)
        column = self._file.schema_arrow.get_field_index("timestamp")
        whole = self._file.schema_arrow.field(column).type == pa.timestamp("ns")
        found: dict[int, Piece] = {}
        for run in runs:
            offset = run.offset or 0
            first = int(np.searchsorted(edges, offset, side="right")) - 1
            for group in range(first, int(np.searchsorted(edges, offset + run.rows))):
                first_ns, last_ns = run.first_ns, run.last_ns
                limits = self._file.metadata.row_group(group).column(column).statistics if whole else None
                if limits is not None and limits.has_min_max:
                    # of a group with several signals, the limits are of all of them
                    first_ns, last_ns = max(first_ns, limits.min_raw), min(last_ns, limits.max_raw)
                if last_ns < low or first_ns >= high:
                    continue
                known = found.get(group)
                first_ns = max(low, first_ns if known is None else min(first_ns, known.first_ns))
                found[group] = Piece(first_ns, group, int(edges[group]))
        return list(found.values())

    def read(self, piece: Piece, low: int, high: int) -> Iterator[Rows]:
        """The wanted rows of a piece in [low, high), signal by signal.

        Raises:
            pyarrow.ArrowException: Its pages are broken.
            OSError: Likewise, or the object cannot be read.
            ValueError: Its rows are not in order, or not where its footer says.
        """
        if piece.group is None:
            yield from self._scattered(low, high)
            return
        table = self._file.read_row_group(piece.group, columns=self._columns, use_threads=False)
        stop = piece.start + table.num_rows
        for name, run in self._runs.items():
            begin, end = max(run.offset or 0, piece.start), min((run.offset or 0) + run.rows, stop)
            if begin < end:
                rows = self._rows(name, table.slice(begin - piece.start, end - begin))
                t = rows.t
                if t[0] < run.first_ns or t[-1] > run.last_ns or (t[1:] < t[:-1]).any():
                    message = "its rows are not those that its footer describes"
                    raise ValueError(message)
                rows = rows.within(low, high)
                if len(rows):
                    yield rows if len(self._runs) == 1 else rows.apart()

    def _rows(self, name: SignalName, table: pa.Table) -> Rows:
        unit, channel = (
            self._texts.codes(table[label] if label in self._columns else None, table.num_rows)
            for label in _LABELS
        )
        v = np.asarray(table["value"].to_numpy(), dtype=np.float64)
        return Rows(self._numbers[name], to_ns(table["timestamp"]), v, unit, channel)

    def _scattered(self, low: int, high: int) -> Iterator[Rows]:
        table = self._file.read(columns=[*self._columns, *_NAMES], use_threads=False)
        for name in self._runs:
            chosen = pc.and_(
                pc.equal(table["message_name"], name[0]), pc.equal(table["signal_name"], name[1])
            )
            rows = table.filter(pc.and_(chosen, pc.is_valid(table["timestamp"])))
            order = np.argsort(to_ns(rows["timestamp"]), kind="stable")
            found = self._rows(name, rows.take(pa.array(order))).within(low, high)
            if len(found):
                yield found


@contextmanager
def open_rows(store: Store, info: ObjectInfo) -> Iterator[pq.ParquetFile]:
    """Open an object so that its labels come as dictionaries, as far as it has them.

    Raises:
        BadRaw: It is not a Parquet file.
        NotFound: It is gone.
        TransientError: The store does not answer.
    """
    if store.root is None and not is_series(info):  # small: one request rather than several
        yield _parquet(store.get(info.key), info.key)
        return
    with store.open_file(info.key) as file:
        yield _parquet(file, info.key)


def _parquet(source: Any, where: str) -> pq.ParquetFile:  # noqa: ANN401  bytes or a file
    file = parquet.open_object(source, where)
    labels = [name for name in (*_LABELS, *_NAMES) if name in file.schema_arrow.names]
    source = pa.BufferReader(source) if isinstance(source, bytes) else source
    return pq.ParquetFile(source, metadata=file.metadata, read_dictionary=labels)
