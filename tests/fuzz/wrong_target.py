"""A door with every fault that the fuzzing must see: it crashes, hangs, eats memory, lets errors out, miscounts."""

import ctypes
import time
from pathlib import Path
from random import Random

from tests.fuzz import target as limits
from tests.fuzz.target import Flaw

_FAULTS = ("well", "crash", "well", "spin", "memory", "error", "account", "well")


class WrongTarget:
    """Nothing but faults, and cases that go well between them."""

    def prepare(self, folder: Path) -> None:
        """Have little time and little memory."""
        limits.CPU_S, limits.MEMORY_MB = 0.5, 32

    def run(self, random: Random) -> str:
        """Have a fault."""
        fault = random.choice(_FAULTS)
        if fault == "crash":
            ctypes.string_at(0)
        elif fault == "spin":
            while True:
                time.monotonic()
        elif fault == "memory":
            bytearray(b"x") * ((2 * limits.MEMORY_MB) << 20)
        elif fault == "error":
            raise ZeroDivisionError(fault)
        elif fault == "account":
            raise Flaw("2 rows landed, 3 are accounted for")
        return fault

    def close(self) -> None:
        """There is nothing to end."""
