"""One vehicle of a soak: a real agent on a simulated bus that writes down what it hands over, before it does.

`python -m benchmarks.soak_vehicle VEHICLE SPOOL BOOK`: the lake and its credentials come from the environment. The book
gets a line per batch: when the bus began, the last frame handed over, and when by the clock that never steps.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_agent.agent import Agent
from edge_agent.config import AgentConfig
from edge_agent.database import BUNDLED, read_database
from edge_agent.records import Arrival
from edge_agent.simulate import Simulator
from edge_agent.simulated_bus import SimulatedSource
from telemetry_pipeline.settings import Settings

WINDOW_S: Final = 5.0


def drive(vehicle_id: str, began: int) -> Simulator:
    """The drive of a vehicle whose bus began at an instant; the same frames each time."""
    _, database = read_database(BUNDLED)
    return Simulator(database.database, vehicle_id, 0, began)


class Told:
    """A simulated bus with a book.

    Args:
        bus: The bus.
        began: When it began, nanoseconds since the epoch.
        book: The file, opened to append.
    """

    origin = "simulation"

    def __init__(self, bus: SimulatedSource, began: int, book: int) -> None:
        self._bus = bus
        self._began = began
        self._book = book

    def batches(self, stop: threading.Event) -> Iterator[Arrival]:
        """See `edge_agent.source.FrameSource`."""
        for arrival in self._bus.batches(stop):
            if len(arrival.records):
                last = int(arrival.records["stamp"].max())
                os.write(self._book, f"{self._began} {last} {time.monotonic_ns()}\n".encode())
            yield arrival


def main(vehicle_id: str, spool: Path, book: Path) -> None:
    """Be the vehicle until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = Settings.from_env()
    config = AgentConfig(
        vehicle_id=vehicle_id,
        lake=settings.lake,
        endpoint_url=settings.endpoint_url,
        region="us-east-1",
        spool=spool,
        window_seconds=WINDOW_S,
        free_megabytes=0,
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    began = time.time_ns()
    opened = os.open(book, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    Agent(config, Told(SimulatedSource(drive(vehicle_id, began), began), began, opened)).run(stop)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
