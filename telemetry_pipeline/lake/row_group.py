"""The rows of one row group before they are written: numbers row by row, texts by their runs.

How they are written is `decoded_file`'s business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, Self, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.memory import empty

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]

_TEXTS: Final = tuple(field.name for field in schema.DECODED if pa.types.is_dictionary(field.type))

_LONG_RUN: Final = 512
"""Rows of a run on average from which on runs are chunks of their own."""


class Texts(NamedTuple):
    """A column of few texts.

    Attributes:
        texts: The texts that may occur.
        codes: For each run the position of its text, shape (runs,).
        counts: For each run its rows, shape (runs,), at least one each; None where every row is a run of its own.
    """

    texts: Sequence[str]
    codes: Integers
    counts: Integers | None = None

    @classmethod
    def same(cls, text: str, rows: int) -> "Texts":
        """One text in every row."""
        return cls((text,), np.zeros(1, np.intp), np.array([rows]))

    def runs(self) -> tuple[Integers, Integers]:
        """Codes and counts of runs that are as long as they can be."""
        codes, counts = self.codes, self.counts
        borders = np.flatnonzero(codes[1:] != codes[:-1]) + 1
        if counts is not None and len(borders) == len(codes) - 1:
            return codes, counts
        starts = np.concatenate([[0], borders])
        if counts is None:
            return codes[starts], np.diff(starts, append=len(codes))
        return codes[starts], np.add.reduceat(counts, starts)

    def column(self) -> pa.ChunkedArray:
        """The column as Arrow has it. Long runs are chunks, and those of one text share the memory of their codes."""
        texts = pa.array(self.texts, pa.string())
        parts = [self._row_codes()] if self._in_one_go() else self._shared_codes()
        return pa.chunked_array([pa.DictionaryArray.from_arrays(part, texts, safe=False) for part in parts])

    def _in_one_go(self) -> bool:
        counts = self.counts
        return counts is None or not np.any(self.codes) or int(counts.sum()) < _LONG_RUN * len(counts)

    def _row_codes(self) -> pa.Array:
        codes = np.asarray(self.codes, np.int16)
        if self.counts is not None and not np.any(codes):
            # untouched memory is zero, and costs nothing until somebody looks
            codes = np.zeros(int(self.counts.sum()), np.int16)
        elif self.counts is not None:
            codes = np.repeat(codes, self.counts)
        return _array(pa.int16(), codes)

    def _shared_codes(self) -> Iterator[pa.Array]:
        """The codes of each run."""
        runs = list(zip(self.codes.tolist(), cast("Integers", self.counts).tolist(), strict=True))
        longest: dict[int, int] = {}
        for code, count in runs:
            longest[code] = max(longest.get(code, 0), count)
        rows = {code: _array(pa.int16(), _filled(count, code)) for code, count in longest.items()}
        for code, count in runs:
            yield rows[code].slice(0, count)


@dataclass(frozen=True)
class RowGroup:
    """Decoded rows, at least one, sorted by message, signal and time.

    Attributes:
        times: Their times in pieces, of which the same may be there several times.
        values: Their values, shape (rows,).
        texts: The columns of texts, by name.
    """

    times: Sequence[Times]
    values: Values
    texts: Mapping[str, Texts]

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """The rows of a table (schema `DECODED`)."""
        pieces = [chunk.view(pa.int64()).to_numpy() for chunk in table["timestamp"].chunks]
        return cls(pieces, table["value"].to_numpy(), {name: _coded(table[name]) for name in _TEXTS})

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self.values)

    @cached_property
    def table(self) -> pa.Table:
        """The rows as a table, schema `DECODED`; numbers are not copied."""
        pieces = {id(piece): _array(schema.TIMESTAMP, piece) for piece in self.times}
        columns = {
            "timestamp": pa.chunked_array([pieces[id(piece)] for piece in self.times], schema.TIMESTAMP),
            "value": _array(pa.float64(), self.values),
            **{name: texts.column() for name, texts in self.texts.items()},
        }
        return pa.table([columns[name] for name in schema.DECODED.names], schema=schema.DECODED)


def _filled(count: int, code: int) -> NDArray[np.int16]:
    out: NDArray[np.int16] = empty(count, np.int16)
    out[...] = code
    return out


def _array(kind: pa.DataType, numbers: NDArray[Any]) -> pa.Array:
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def _coded(column: pa.ChunkedArray) -> Texts:
    whole = column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return Texts(whole.dictionary.to_pylist(), whole.indices.to_numpy())
