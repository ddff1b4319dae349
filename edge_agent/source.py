"""What the agent asks of whatever gives it frames: a bus, a simulated one, a test."""

import threading
from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa


class FrameSource(Protocol):
    """Where frames come from."""

    def batches(self, stop: threading.Event) -> Iterator[pa.Table]:
        """Frames (schema `RAW`) as they arrive, several times a second; an empty table when there are none.

        Ends when `stop` is set.
        """
        ...
