"""Rows of many decoded objects as signals in order, a bounded number of rows in memory at a time.

Nothing is dropped and nothing is deduplicated: rows of equal signal and time follow each other in the order of their
objects' keys, and within an object in its own order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake.series_file import Labels, SignalRows
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.sources import Piece, Source, read_source

HELD_ROWS: Final = 40_000_000
"""Rows in memory at a time: 16 bytes each, and as much again of the one signal that is being put in order."""


class Broken(Exception):
    """An object turned out to be unreadable while its rows were being merged.

    Args:
        source: The object.
        error: What is wrong with it.
    """

    def __init__(self, source: Source, error: BadRaw) -> None:
        super().__init__(source, error)
        self.source = source
        self.error = error


def merged(
    store: Store, sources: Sequence[Source], names: Mapping[SignalName, int], held_rows: int = HELD_ROWS
) -> Iterator[SignalRows]:
    """Every signal of the objects, sorted by message and name.

    Objects are read once for as many signals as may be held at a time. A single signal of more rows comes in
    stretches of time; so many rows of one and the same time are held together.

    Args:
        store: The lake.
        sources: The objects, sorted by key.
        names: The numbers that the sources have for their signals.
        held_rows: How many rows may be in memory.

    Raises:
        Broken: An object cannot be read.
        NotFound: An object is gone.
        TransientError: The store does not answer.
    """
    rows = np.zeros(len(names), np.int64)
    for source in sources:
        np.add.at(rows, source.runs[:, 0], source.runs[:, 2])
    batch: dict[int, SignalName] = {}
    held = 0
    for name in sorted(name for name, number in names.items() if rows[number]):
        number = names[name]
        if batch and held + rows[number] > held_rows:
            yield from _read_batch(store, sources, batch, None)
            batch, held = {}, 0
        if rows[number] > held_rows:
            for window in _windows(sources, number, held_rows):
                yield from _read_batch(store, sources, {number: name}, window)
        else:
            batch[number] = name
            held += int(rows[number])
    yield from _read_batch(store, sources, batch, None)


def _windows(sources: Sequence[Source], number: int, held_rows: int) -> Iterator[tuple[int, int]]:
    """Stretches of time in which the objects' rows of a signal, evenly spread over each, are about `held_rows`."""
    found = np.concatenate([source.runs[source.runs[:, 0] == number] for source in sources])
    first, last, rows = found[:, 3], found[:, 4], found[:, 2]
    points = np.unique(
        np.concatenate([np.linspace(a, b, 9).astype(np.int64) for a, b in zip(first, last, strict=True)])
    )
    spread = np.maximum(last - first, 1)
    # rows before each point, as far as they can be known
    share = (points[:, None] - first[None, :]) / spread[None, :]
    before = (np.clip(share, 0, 1) * rows[None, :]).sum(axis=1)
    begin, counted = int(first.min()), 0.0
    for point, rows_before in zip(points.tolist(), before.tolist(), strict=True):
        if rows_before - counted > held_rows / 2 and point > begin:
            yield begin, point
            begin, counted = point, rows_before
    yield begin, int(last.max()) + 1


def _read_batch(
    store: Store, sources: Sequence[Source], batch: Mapping[int, SignalName], window: tuple[int, int] | None
) -> Iterator[SignalRows]:
    pieces: dict[int, list[Piece]] = {number: [] for number in batch}
    for source in sources:
        if window is not None and not _touches(source, next(iter(batch)), window):
            continue
        try:
            found = read_source(store, source, batch)
        except BadRaw as error:
            raise Broken(source, error) from error
        for number, piece in found.items():
            if window is not None:
                piece = _cut(piece, window)  # noqa: PLW2901
            if len(piece.t):
                pieces[number].append(piece)
    for number, name in batch.items():
        if own := pieces.pop(number):
            yield _in_order(name, own)


def _touches(source: Source, number: int, window: tuple[int, int]) -> bool:
    runs = source.runs[source.runs[:, 0] == number]
    return bool(((runs[:, 3] < window[1]) & (runs[:, 4] >= window[0])).any())


def _cut(piece: Piece, window: tuple[int, int]) -> Piece:
    first, stop = (int(at) for at in np.searchsorted(piece.t, window))
    unit, channel = (labels.cut(first, stop) if first < stop else labels for labels in piece.labels)
    return Piece(piece.t[first:stop].copy(), piece.v[first:stop].copy(), (unit, channel))


def _in_order(name: SignalName, pieces: list[Piece]) -> SignalRows:
    t = np.concatenate([piece.t for piece in pieces])
    v = np.concatenate([piece.v for piece in pieces])
    sizes = [len(piece.t) for piece in pieces]
    unit, channel = (_joined([piece.labels[which] for piece in pieces], sizes) for which in (0, 1))
    pieces.clear()
    if (t[1:] < t[:-1]).any():
        order = np.argsort(t, kind="stable")
        t, v = t[order], v[order]
        unit, channel = _taken(unit, order), _taken(channel, order)
    return SignalRows(name, t, v, unit, channel)


def _joined(parts: Sequence[Labels], sizes: Sequence[int]) -> Labels:
    if len({part.names[0] if part.codes is None else None for part in parts}) == 1 and parts[0].codes is None:
        return parts[0]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(n for p in parts for n in p.names))}
    codes = []
    for part, rows in zip(parts, sizes, strict=True):
        own = np.array([numbers[name] for name in part.names], dtype=np.int16)
        codes.append(np.full(rows, own[0]) if part.codes is None else own[part.codes])
    return Labels(tuple(numbers), np.concatenate(codes))


def _taken(labels: Labels, order: NDArray[np.intp]) -> Labels:
    return labels if labels.codes is None else Labels(labels.names, labels.codes[order])
