"""What the agent asks of whatever gives it frames: a bus, a simulated one, a test."""

import threading
from collections.abc import Iterator
from typing import Protocol

from edge_agent.records import Arrival


class FrameSource(Protocol):
    """Where frames come from.

    Attributes:
        origin: What that is, for the raw objects' footer: `capture` or `simulation`.
    """

    origin: str

    def batches(self, stop: threading.Event) -> Iterator[Arrival]:
        """Frames as they arrive, several times a second; none when there are none.

        Ends when `stop` is set.
        """
        ...
