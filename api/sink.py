"""A file in memory that is sent while it is written: what was written is taken out of it piece by piece."""

import io
from typing import Any


class Sink(io.RawIOBase):
    """A file that is written once from front to back; what was written can be taken out of it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401  any buffer
        """Keep a copy of some bytes; returns how many."""
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        """How much was written in all."""
        return self._size

    def taken(self) -> bytes:
        """What was written since it was last asked."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
