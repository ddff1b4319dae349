"""SIGKILL for a fleet's processes, one after the other at random moments; services are started again, runs are not."""

import random
import signal
from collections import Counter
from contextlib import suppress
from typing import Final

import psutil

from benchmarks.background import Background
from benchmarks.fleet_stack import Fleet

PAUSE_S: Final = (15.0, 40.0)
AWAY_S: Final = 3.0
VICTIMS: Final = ("daemon", "code server", "run in flight", "decoding process")


class Reaper(Background):
    """Kills for as long as the block runs.

    Args:
        fleet: Whose processes.
        seed: Makes the same choices again.
    """

    def __init__(self, fleet: Fleet, seed: int = 1) -> None:
        super().__init__()
        self.killed: Counter[str] = Counter()
        self._fleet = fleet
        self._random = random.Random(seed)

    def _run(self) -> None:
        number = 0
        while not self._over.wait(self._random.uniform(*PAUSE_S)):
            victim = VICTIMS[number % len(VICTIMS)]
            number += 1
            if self._kill(victim):
                self.killed[victim] += 1

    def _kill(self, victim: str) -> bool:
        if victim in self._fleet.services:
            service = self._fleet.services[victim]
            service.process.kill()
            service.process.wait()
            self._over.wait(AWAY_S)
            service.start()
            return True
        found = [process for process in psutil.process_iter(["cmdline"]) if self._is(process, victim)]
        if not found:
            return False
        with suppress(psutil.Error):
            self._random.choice(found).send_signal(signal.SIGKILL)
            return True
        return False

    def _is(self, process: psutil.Process, victim: str) -> bool:
        """Whether it is a run of this fleet, or one of the processes that decode for it."""
        command = " ".join(process.info["cmdline"] or [])
        decodes = "decoder_worker" in command
        runs = not decodes and ("spawn_main" in command or "execute_run" in command)
        if not (decodes if victim == "decoding process" else runs):
            return False
        with suppress(psutil.Error):
            return process.environ().get("DAGSTER_HOME") == str(self._fleet.home)
        return False
