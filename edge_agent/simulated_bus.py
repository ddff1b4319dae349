"""The simulator at the pace of the wall clock: a bus for a vehicle that has none."""

import threading
import time
from collections.abc import Iterator
from typing import Final

from edge_agent.records import Arrival, records_of
from edge_agent.simulate import Simulator

TICK_S: Final = 0.1


class SimulatedSource:
    """The frames of a simulated drive, each when its time has come.

    Args:
        simulator: The drive, which began at `start_ns` or before.
        start_ns: Now, nanoseconds since the epoch: the first frame to send.
    """

    origin = "simulation"

    def __init__(self, simulator: Simulator, start_ns: int) -> None:
        self._simulator = simulator
        self._start_ns = start_ns

    def batches(self, stop: threading.Event) -> Iterator[Arrival]:
        """See `edge_agent.source.FrameSource`. Time goes on steadily when the wall clock is set."""
        began = time.monotonic_ns()
        done = 0
        while not stop.is_set():
            elapsed = time.monotonic_ns() - began
            frames = self._simulator.frames(self._start_ns + done, self._start_ns + elapsed)
            yield Arrival(self._simulator.channel, records_of(frames))
            done = elapsed
            stop.wait(TICK_S)
