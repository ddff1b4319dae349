"""Rows of one object: the pages that hold the wanted signals, cut to a range, and merged with those of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake.pages import read_plain
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query import patience
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.footers import Footer, column_bytes
from telemetry_pipeline.query.index import Run, to_ns
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.source import Source

Samples = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times (int64 ns, ascending) and as many float64 values."""

_ENTRY: Final = 500
"""What a kept column takes beside its numbers."""

_Stretch = tuple[SignalName, int, int]
"""Rows of a signal in a row group: the first and the one after the last, from the group's beginning."""


@dataclass(frozen=True)
class Part:
    """What one object contributes to an answer, and what reading it took."""

    samples: Mapping[SignalName, Samples]
    rows_scanned: int
    bytes_scanned: int


Columns = WeightedCache[tuple[ObjectInfo, int], NDArray[np.int64] | NDArray[np.float64]]
"""Column chunks of series objects that were decoded, by where they begin; whoever gets them may not change them."""


@dataclass(frozen=True)
class Opened:
    """An object that is open: which one, its bytes, its rows, its footer; and columns that are kept, if any are."""

    info: ObjectInfo
    source: Source
    file: pq.ParquetFile
    footer: Footer
    kept: Columns | None = None


def read_runs(opened: Opened, runs: Mapping[SignalName, Run], start_ns: int, end_ns: int) -> Part:
    """Read signals of an open object in [start_ns, end_ns).

    Row groups without a wanted row, columns other than time and value, and pages of values without a wanted row are
    not decompressed; only an object whose rows are not sorted is read whole.

    Args:
        opened: The object.
        runs: The signals.
        start_ns: Where the range begins.
        end_ns: Where it ends; not part of it.

    Raises:
        NotFound: The object is gone.
        TransientError: The store does not answer, or nobody waits any more.
        pyarrow.ArrowException: The object's pages are broken.
        OSError: Likewise, or the file cannot be read.
        ValueError: Likewise.
        IndexError: Likewise.
    """
    if any(run.offset is None for run in runs.values()):
        opened.source.fetch([(0, _size_of(opened))])
        return _read_scattered(opened.file, runs, start_ns, end_ns)
    footer = opened.footer
    wanted: dict[int, list[_Stretch]] = {}
    for name, run in runs.items():
        for group in footer.groups_of(run, start_ns, end_ns):
            begin, end = (int(edge) for edge in footer.edges[group : group + 2])
            first, stop = max(run.offset or 0, begin), min((run.offset or 0) + run.rows, end)
            wanted.setdefault(group, []).append((name, first - begin, stop - begin))
    opened.source.fetch(
        [at for group in wanted for at in _ranges(footer, group) if not _known(opened, at[0])]
    )
    pieces: dict[SignalName, list[Samples]] = {name: [] for name in runs}
    rows_scanned = bytes_scanned = 0
    times: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))
    # row groups that share their times follow each other, and the times are decoded once
    asker = patience.current()
    for group in sorted(wanted, key=lambda group: (footer.times_at(group)[0], group)):
        asker.insist()
        if not all(_known(opened, begin) for begin, _ in _ranges(footer, group)):
            rows_scanned += int(footer.edges[group + 1] - footer.edges[group])
            meta = footer.metadata.row_group(group)
            bytes_scanned += column_bytes(meta, (footer.time_column, footer.value_column))
        at = footer.times_at(group)[0]
        if at != times[0]:
            times = at, _times(opened, group, at)
        cuts: list[_Stretch] = []
        for name, first, stop in wanted[group]:
            low, high = np.searchsorted(times[1][first:stop], [start_ns, end_ns])
            if low < high:
                cuts.append((name, first + int(low), first + int(high)))
        for (name, first, stop), values in zip(cuts, _values(opened, group, cuts), strict=True):
            pieces[name].append((times[1][first:stop], values))
    return Part({name: merge(found) for name, found in pieces.items()}, rows_scanned, bytes_scanned)


def _known(opened: Opened, begin: int) -> bool:
    return opened.kept is not None and opened.kept.get((opened.info, begin)) is not None


def _keep(opened: Opened, begin: int, column: NDArray[Any]) -> None:
    if opened.kept is not None:
        column.flags.writeable = False
        opened.kept.put((opened.info, begin), column, column.nbytes + _ENTRY)


def _times(opened: Opened, group: int, begin: int) -> NDArray[np.int64]:
    """The times of a row group."""
    found = None if opened.kept is None else opened.kept.get((opened.info, begin))
    if found is None:
        table = opened.file.read_row_group(group, columns=["timestamp"], use_threads=False)
        # of Arrow's memory, which holds the table
        found = to_ns(table["timestamp"]) if opened.kept is None else to_ns(table["timestamp"]).copy()
        _keep(opened, begin, found)
    return found.view(np.int64)


def _values(opened: Opened, group: int, cuts: Sequence[_Stretch]) -> list[NDArray[np.float64]]:
    """The values of some stretches of a row group."""
    if not cuts:
        return []
    begin = _ranges(opened.footer, group)[1][0]
    known = None if opened.kept is None else opened.kept.get((opened.info, begin))
    if known is None and (chunk := opened.footer.values_at(group)) is not None:
        body = opened.source.read((chunk.begin, chunk.size))
        wanted = [(first, stop) for _, first, stop in cuts]
        most = 2 * sum(stop - first for first, stop in wanted) >= chunk.rows
        if opened.kept is not None and most:  # the rest is little more, and may be asked for next
            found = read_plain(body, chunk.rows, [(0, chunk.rows)])
            if found is not None:
                known = found[0]
                _keep(opened, begin, known)
        elif (found := read_plain(body, chunk.rows, wanted)) is not None:
            return found
    if known is None:
        column = opened.file.read_row_group(group, columns=["value"], use_threads=False)["value"]
        known = _floats(column)
    return [known.view(np.float64)[first:stop] for _, first, stop in cuts]


def _ranges(footer: Footer, group: int) -> list[tuple[int, int]]:
    """Where the times and the values of a row group lie."""
    meta = footer.metadata.row_group(group).column(footer.value_column)
    begin = meta.data_page_offset
    if meta.dictionary_page_offset is not None:
        begin = min(begin, meta.dictionary_page_offset)
    return [footer.times_at(group), (begin, meta.total_compressed_size)]


def merge(parts: Sequence[Samples]) -> Samples:
    """Samples of several objects as one series in time order; of equal times the earlier part comes first."""
    filled = sorted((part for part in parts if len(part[0])), key=lambda part: int(part[0][0]))
    if not filled:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    if len(filled) == 1:
        return filled[0]
    t = np.concatenate([part[0] for part in filled])
    v = np.concatenate([part[1] for part in filled])
    if all(one[0][-1] <= other[0][0] for one, other in pairwise(filled)):
        return t, v
    order = np.argsort(t, kind="stable")
    return t[order], v[order]


def cut(samples: Samples, start_ns: int, end_ns: int) -> Samples:
    """Those of some samples that lie in [start_ns, end_ns)."""
    t, v = samples
    first, last = np.searchsorted(t, [start_ns, end_ns])
    return t[first:last], v[first:last]


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _size_of(opened: Opened) -> int:
    return int(opened.source.arrow.size())


def _read_scattered(file: pq.ParquetFile, runs: Mapping[SignalName, Run], start_ns: int, end_ns: int) -> Part:
    columns = ["timestamp", "message_name", "signal_name", "value"]
    table = file.read(columns=columns)
    samples: dict[SignalName, Samples] = {}
    for name in runs:
        chosen = pc.and_(pc.equal(table["message_name"], name[0]), pc.equal(table["signal_name"], name[1]))
        rows = table.filter(pc.and_(chosen, pc.is_valid(table["timestamp"])))
        t = to_ns(rows["timestamp"])
        order = np.argsort(t, kind="stable")
        samples[name] = cut((t[order], _floats(rows["value"])[order]), start_ns, end_ns)
    numbers = [list(file.metadata.schema.names).index(name) for name in columns]
    groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
    return Part(samples, table.num_rows, sum(column_bytes(meta, numbers) for meta in groups))
