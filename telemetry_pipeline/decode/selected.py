"""The frames of one message across all batches of a recording, in order of time, loaded when they are asked for.

Knows nothing about signals; `message` decides which of the frames decode.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import Words
from telemetry_pipeline.decode.payload import Integers, Rows
from telemetry_pipeline.decode.pile import Codes, Pile, Times
from telemetry_pipeline.lake.memory import joined

Piece = tuple[Pile, int, int]
"""Frames of a pile, from one position up to another."""

_NONE: Final = np.empty(0, np.int64)


class Selected:
    """Frames of one message.

    Args:
        pieces: Where they lie, in the order in which they came.
        order: Their positions in order of time, shape (n,), or None where they came in that order.
    """

    def __init__(self, pieces: Sequence[Piece], order: Rows | None = None) -> None:
        self._pieces = pieces
        self._order = order
        self._count = sum(stop - start for _, start, stop in pieces) if order is None else len(order)
        self._words: dict[int, Words] = {}
        self._times: Times | None = None

    @classmethod
    def in_time(cls, pieces: Sequence[Piece]) -> "Selected":
        """All frames of the pieces, which follow each other in time or do not."""
        frames = cls(pieces)
        times = frames.times
        if len(times) > 1 and not bool((times[1:] >= times[:-1]).all()):
            return cls(pieces, np.argsort(times, kind="stable"))
        return frames

    def __len__(self) -> int:
        return self._count

    @property
    def times(self) -> Times:
        """Nanoseconds since 1970 UTC, shape (n,)."""
        if self._times is None:
            self._times = self._gathered(lambda pile, rows: pile.times[rows])
        return self._times

    @property
    def only_pile(self) -> Pile | None:
        """The pile that all of them are in; None when there are several, or none."""
        return self._pieces[0][0] if len(self._pieces) == 1 else None

    def place(self) -> tuple[int, Rows | None]:
        """Where they are in the only pile: from which position on, and which after that, shape (n,), or None for all."""
        return self._pieces[0][1], self._order

    def lengths(self, needed: int) -> Integers | None:
        """Bytes of each payload, shape (n,), or None when none has fewer than `needed`."""
        if all(pile.shortest >= needed for pile, _, _ in self._pieces):
            return None
        lengths: Integers = self._gathered(lambda pile, rows: _filled(pile.lengths, rows, np.int32))
        return lengths if bool((lengths < needed).any()) else None

    def words(self, byte: int) -> Words:
        """Eight bytes of each payload from `byte` on as uint64 of this machine's order (little-endian), shape (n,).

        Bytes behind a payload's end are of no meaning.
        """
        words = self._words.get(byte)
        if words is None:
            words = self._gathered(lambda pile, rows: pile.words_at(rows, byte))
            self._words[byte] = words
        return words

    def bytes_at(self, byte: int) -> Words:
        """One byte of each payload, widened to uint64, shape (n,)."""
        return self._gathered(lambda pile, rows: pile.bytes_at(rows, byte))

    def whole(self, length: int) -> list[bytes]:
        """The first `length` bytes from each payload's start, whatever its own length."""
        found = [
            payload
            for pile, start, stop in self._pieces
            for payload in pile.whole(slice(start, stop), length)
        ]
        return found if self._order is None else [found[row] for row in self._order.tolist()]

    @property
    def vehicles(self) -> Codes | int:
        """Positions of the vehicles among the recording's texts, shape (n,), or the one that all have."""
        return self._labels([pile.vehicles for pile, _, _ in self._pieces])

    @property
    def channels(self) -> Codes | int:
        """The same for the channels."""
        return self._labels([pile.channels for pile, _, _ in self._pieces])

    def take(self, rows: Rows) -> "Selected":
        """Some of the frames: those at ascending positions."""
        return Selected(self._pieces, rows if self._order is None else self._order[rows])

    def between(self, start: int, stop: int) -> "Selected":
        """The frames from one position up to another."""
        if start == 0 and stop >= len(self):
            return self
        if self._order is not None:
            return Selected(self._pieces, self._order[start:stop])
        pieces = []
        for pile, low, high in self._pieces:
            first, last = low + max(start, 0), min(low + stop, high)
            if first < last:
                pieces.append((pile, first, last))
            start, stop = start - (high - low), stop - (high - low)
        return Selected(pieces)

    def forget(self) -> None:
        """Drop what has been loaded; it is loaded again when it is asked for."""
        self._words.clear()
        self._times = None

    def _gathered(self, of: Callable[[Pile, slice], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        parts = [of(pile, slice(start, stop)) for pile, start, stop in self._pieces]
        whole = joined(parts) if parts else _NONE
        return whole if self._order is None else whole.take(self._order)

    def _labels(self, columns: list[Codes | int]) -> Codes | int:
        first = columns[0] if columns else 0
        if isinstance(first, int) and all(isinstance(label, int) and label == first for label in columns):
            return first
        parts = [
            _filled(column, slice(start, stop), np.int16)
            for column, (_, start, stop) in zip(columns, self._pieces, strict=True)
        ]
        whole = np.concatenate(parts)
        return whole if self._order is None else whole.take(self._order)


def _filled(
    column: npt.NDArray[Any] | int, rows: slice, dtype: type[np.signedinteger[Any]]
) -> npt.NDArray[Any]:
    """Some rows of a column, or as often the number that all have."""
    if isinstance(column, int):
        return np.full(rows.stop - rows.start, column, dtype)
    return column[rows].astype(dtype, copy=False)
