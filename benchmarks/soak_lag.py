"""How long landed objects wait for their receipts during a soak: a look at the store every two seconds.

A receipt is counted when it is first seen, for it is written again when a database changes.
"""

import time
from typing import Final

from benchmarks.background import Background
from benchmarks.soak_town import Town
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import Partition, RawObject

_LOOK_S: Final = 2.0


class Lag(Background):
    """Look for as long as the block runs.

    Args:
        town: Where.
        vehicles: Whose objects.

    Attributes:
        waited_s: Seconds from an object's landing to its receipt, as far as a look every two seconds tells.
    """

    def __init__(self, town: Town, vehicles: list[str]) -> None:
        super().__init__()
        self.waited_s: list[float] = []
        self._town = town
        self._vehicles = vehicles
        self._landed: dict[RawObject, float] = {}
        self._done: set[RawObject] = set()

    @property
    def landed(self) -> int:
        """Objects that were seen."""
        return len(self._landed)

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            for vehicle in self._vehicles:
                try:
                    self._look(Partition.containing(vehicle, time.time_ns()))
                except TelemetryError:
                    break  # the store is being killed

    def _look(self, partition: Partition) -> None:
        state = ledger.read_ledger(self._town.store, partition)
        now = time.monotonic()
        for raw in state.raw:
            self._landed.setdefault(raw, now)
        for raw in state.decoded - self._done:
            self.waited_s.append(now - self._landed.setdefault(raw, now))
        self._done |= state.decoded
