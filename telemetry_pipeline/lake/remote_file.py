"""An object in a bucket as a file of Python's: what is sought is asked for, and nothing else."""

import io
from typing import Any

from telemetry_pipeline.lake.refusal import translated


class RemoteFile(io.RawIOBase):
    """The library's reader as a whole Python file: Arrow asks for more than the reader has, and errors are ours.

    Args:
        reader: What `obstore.open_reader` gives.
        where: The URL of the object, for messages.
    """

    def __init__(self, reader: Any, where: str) -> None:  # noqa: ANN401  its type is not exported
        self._reader = reader
        self._where = where

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte; gives its number."""
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        """The number of the byte that is read next."""
        return int(self._reader.tell())

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401  any writable buffer
        """Fill a buffer as far as the object goes; gives the number of bytes.

        Raises:
            NotFound: The object is gone.
            TransientError: The store does not answer.
        """
        with translated(self._where):
            data = memoryview(self._reader.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)
