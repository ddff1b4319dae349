"""The few texts that a column repeats (vehicles, channels), and every row's position among them.

Knows nothing about what the texts name.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake.texts import only_text

Codes = npt.NDArray[np.int16]

CODES_MAX: Final = 32_767
"""Distinct names that one object's dictionaries hold."""


class Labels:
    """The texts of a column that comes in pieces, in order of their first appearance; null is ""."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._positions: dict[str, int] = {}

    def encode(self, column: pa.ChunkedArray) -> Codes | int:
        """Each row's position among the texts, shape (n,), or the one that all rows have.

        Raises:
            BadRaw: More distinct texts than one object holds.
        """
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries()
        codes = [self._chunk(chunk) for chunk in column.chunks if len(chunk)]
        if not codes:
            return self.position("")
        if all(isinstance(code, int) and code == codes[0] for code in codes):
            return codes[0]
        lengths = [len(chunk) for chunk in column.chunks if len(chunk)]
        return np.concatenate(
            [
                np.full(rows, code, np.int16) if isinstance(code, int) else code
                for code, rows in zip(codes, lengths, strict=True)
            ]
        )

    def position(self, text: str) -> int:
        """The position of one text."""
        position = self._positions.setdefault(text, len(self.texts))
        if position == len(self.texts):
            self.texts.append(text)
        return position

    def _chunk(self, chunk: pa.Array) -> Codes | int:
        if pa.types.is_string(chunk.type):
            if (text := only_text(chunk)) is not None:
                return self.position(text)
            chunk = chunk.dictionary_encode()
        elif not pa.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_encode()
        texts = [text or "" for text in chunk.dictionary.to_pylist()]
        if (len(texts) == 1 and not chunk.null_count) or not texts:
            return self.position(texts[0] if texts else "")
        indices = chunk.indices
        if indices.null_count:
            indices = indices.cast(pa.int64()).fill_null(len(texts))
            texts.append("")
        check_names([*self.texts, *(text for text in texts if text not in self._positions)])
        codes = np.array([self.position(text) for text in texts], np.int16)[indices.to_numpy()]
        first = int(codes[0])
        return first if bool((codes == first).all()) else codes


def check_names(texts: list[str]) -> None:
    """Check that so many names fit.

    Raises:
        BadRaw: They do not.
    """
    if len(texts) > CODES_MAX:
        raise BadRaw(f"{len(texts)} distinct names in one object, at most {CODES_MAX} fit", texts[0])
