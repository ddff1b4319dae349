"""The decoded objects that a series object is made of: what each holds, and some of its signals at a time.

A day has up to some thousand objects with hundreds of signals each: what is known of them is held in arrays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.errors import BadRaw, first_line
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.series_file import Labels
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.index import ObjectIndex, Span, index_object, to_ns
from telemetry_pipeline.query.reader import SignalName

READ_ERRORS: Final = (pa.ArrowException, OSError, ValueError, IndexError)
_LABELS: Final = ("unit", "channel")


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one signal from one object, in order of time.

    Attributes:
        t: int64 nanoseconds.
        v: float64 values.
        labels: Units and channels.
    """

    t: NDArray[np.int64]
    v: NDArray[np.float64]
    labels: tuple[Labels, Labels]


@dataclass(frozen=True, slots=True)
class Source:
    """One decoded object.

    Attributes:
        info: Its listing.
        frames: CAN frames it was made from.
        messages: Decoded frames by message.
        spans: When it recorded.
        runs: int64 of shape (k, 5): for each signal its number, its first row (-1: scattered), its rows, its first
            and its last time.
        units: As many units where each is that of all rows, as the decoder writes them; None: the rows say it.
    """

    info: ObjectInfo
    frames: int
    messages: Mapping[str, int]
    spans: tuple[Span, ...]
    runs: NDArray[np.int64]
    units: tuple[str, ...] | None


class Catalogue:
    """Numbers for signals, in the order in which they are met."""

    def __init__(self) -> None:
        self.numbers: dict[SignalName, int] = {}

    def open(self, store: Store, info: ObjectInfo, partition: Partition) -> Source:
        """Learn what an object holds.

        Raises:
            BadRaw: It is no decoded object.
            NotFound: It is gone.
            TransientError: The store does not answer.
        """
        with _opened(store, info.key) as file:
            ours = "report" in parquet.read_footer(file)
            return self._source(info, index_object(file, partition, info.key), ours=ours)

    def _source(self, info: ObjectInfo, index: ObjectIndex, *, ours: bool) -> Source:
        runs = [
            (
                self.numbers.setdefault(name, len(self.numbers)),
                -1 if run.offset is None else run.offset,
                run.rows,
                run.first_ns,
                run.last_ns,
            )
            for name, run in index.runs.items()
        ]
        table = np.array(runs, dtype=np.int64).reshape(-1, 5)
        units = tuple(run.unit for run in index.runs.values()) if ours else None
        return Source(info, index.frames, index.messages, index.spans, table, units)


def read_source(store: Store, source: Source, wanted: Mapping[int, SignalName]) -> dict[int, Piece]:
    """Read signals of an object, by their numbers.

    Raises:
        BadRaw: Its rows cannot be read, or are not where its footer says.
        NotFound: It is gone.
        TransientError: The store does not answer.
    """
    runs = [(at, *run) for at, run in enumerate(source.runs.tolist()) if run[0] in wanted]
    if not runs:
        return {}
    with _opened(store, source.info.key) as file:
        try:
            if any(run[2] < 0 for run in runs):
                return _read_scattered(file, {run[1]: wanted[run[1]] for run in runs})
            return _checked(dict(_read_runs(file, runs, source.units)), runs, source.info.key)
        except READ_ERRORS as error:
            raise BadRaw(f"its data cannot be read ({first_line(error)})", source.info.key) from error


@contextmanager
def _opened(store: Store, key: str) -> Iterator[pq.ParquetFile]:
    if store.root is None:
        yield _parquet(store.get(key), key)
        return
    with store.open_file(key) as file:
        yield _parquet(file, key)


def _parquet(source: Any, where: str) -> pq.ParquetFile:  # noqa: ANN401  bytes or a file
    """Open an object so that its labels come as dictionaries, as far as it has them."""
    file = parquet.open_object(source, where)
    labels = [name for name in _LABELS if name in file.schema_arrow.names]
    source = pa.BufferReader(source) if isinstance(source, bytes) else source
    return pq.ParquetFile(source, metadata=file.metadata, read_dictionary=labels)


def _checked(pieces: dict[int, Piece], runs: Iterable[Sequence[int]], where: str) -> dict[int, Piece]:
    for _, number, _, rows, first_ns, last_ns in runs:
        t = pieces[number].t
        if len(t) != rows or t[0] != first_ns or t[-1] != last_ns or (t[1:] < t[:-1]).any():
            raise BadRaw("its rows are not those that its footer describes", where)
    return pieces


def _read_runs(
    file: pq.ParquetFile, runs: Sequence[Sequence[int]], units: Sequence[str] | None
) -> Iterator[tuple[int, Piece]]:
    """Runs of sorted rows; a row group is decompressed once, and copied from, so that it does not stay."""
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    edges = np.concatenate(([0], np.cumsum(sizes)))
    order = sorted(runs, key=lambda run: run[2])
    names = ["timestamp", "value", "channel", *([] if units else ["unit"])]
    held: tuple[int, int, dict[str, Any]] | None = None
    for at, number, offset, rows, _, _ in order:
        first = int(np.searchsorted(edges, offset, side="right")) - 1
        stop = int(np.searchsorted(edges, offset + rows))
        if held is None or (first, stop) != held[:2]:
            held = (first, stop, _columns(file, list(range(first, stop)), names))
        begin = offset - int(edges[first])
        columns = held[2]
        channel = columns["channel"].cut(begin, begin + rows)
        unit = Labels((units[at],)) if units else columns["unit"].cut(begin, begin + rows)
        t, v = (columns[name][begin : begin + rows].copy() for name in ("timestamp", "value"))
        yield number, Piece(t, v, (unit, channel))


def _columns(file: pq.ParquetFile, groups: list[int], wanted: Sequence[str]) -> dict[str, Any]:
    names = [name for name in wanted if name in file.schema_arrow.names]
    return _arrays(file.read_row_groups(groups, columns=names, use_threads=False))


def _arrays(table: pa.Table) -> dict[str, Any]:
    return {
        "timestamp": to_ns(table["timestamp"]),
        "value": np.asarray(table["value"].to_numpy(), dtype=np.float64),
        **{name: _labels(table, name) for name in _LABELS},
    }


def _labels(table: pa.Table, name: str) -> Labels:
    """A column of names as labels; a column that is not there, and a null, say nothing."""
    if name not in table.column_names or not table.num_rows:
        return Labels(("",))
    column = table[name]
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    column = column.unify_dictionaries().combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0)
    names = ["" if text is None else str(text) for text in column.dictionary.to_pylist()]
    if len(names) == 1 and not column.null_count:
        return Labels((names[0],))
    codes = column.indices.fill_null(len(names)).cast(pa.int16()).to_numpy()
    return Labels((*names, ""), codes)


def _read_scattered(file: pq.ParquetFile, wanted: Mapping[int, SignalName]) -> dict[int, Piece]:
    names = [
        name
        for name in ("timestamp", "value", "message_name", "signal_name", *_LABELS)
        if name in file.schema_arrow.names
    ]
    table = file.read(columns=names)
    pieces = {}
    for number, (message, signal) in wanted.items():
        chosen = pc.and_(pc.equal(table["message_name"], message), pc.equal(table["signal_name"], signal))
        rows = table.filter(pc.and_(chosen, pc.is_valid(table["timestamp"])))
        order = np.argsort(to_ns(rows["timestamp"]), kind="stable")
        columns = _arrays(rows.take(pa.array(order)))
        labels = tuple(columns[name] for name in _LABELS)
        pieces[number] = Piece(columns["timestamp"], columns["value"], (labels[0], labels[1]))
    return pieces
