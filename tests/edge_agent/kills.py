"""SIGKILL a real agent at random moments, again and again, and compare the lake with what its bus had sent.

`python -m tests.edge_agent.kills 200` does it two hundred times; the suite does it twelve times.
"""

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent.agent import Agent
from edge_agent.config import AgentConfig
from edge_agent.database import BUNDLED, read_database
from edge_agent.records import Arrival
from edge_agent.simulate import Simulator
from edge_agent.simulated_bus import SimulatedSource
from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.windows import stamps_of

PROJECT = Path(__file__).parents[2]
RATE = 5.0
SAFE_NS = 1_000_000_000
"""What was handed over so long before the kill must be there."""


class Told:
    """A simulated bus that says what it hands over, and when, before it does."""

    origin = "simulation"

    def __init__(self, bus: SimulatedSource) -> None:
        self._bus = bus

    def batches(self, stop: threading.Event) -> Iterator[Arrival]:
        for arrival in self._bus.batches(stop):
            if len(arrival.records):
                last = int(arrival.records["stamp"].max())
                os.write(1, f"{last} {time.time_ns()}\n".encode())
            yield arrival


def live(folder: Path, began: int, duration_s: float | None) -> None:
    """Be the agent that is killed."""
    lake = (folder / "lake").as_uri()
    config = AgentConfig(vehicle_id="V", lake=lake, spool=folder / "spool", window_seconds=0.3)
    Agent(config, Told(SimulatedSource(drive(began), began))).run(threading.Event(), duration_s)


def drive(began: int) -> Simulator:
    _, database = read_database(BUNDLED)
    return Simulator(database.database, "V", 0, began, rate=RATE)


def run_agent(folder: Path, began: int, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.edge_agent.kills", "--live", folder, str(began), *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@dataclass(frozen=True)
class Life:
    """When its bus began, when it was killed, and what had been handed over before: (last frame, when)."""

    began: int
    killed: int
    handed: list[tuple[int, int]]

    def upto(self, moment: int) -> int:
        """The last frame that was handed over before a moment."""
        return max((stamp for stamp, when in self.handed if when <= moment), default=-1)

    def frames(self) -> set[int]:
        """Every frame that it said it had, also while the kill was on its way."""
        return set(stamps_of(drive(self.began).frames(self.began, self.upto(sys.maxsize) + 1)).tolist())


def kill_one(folder: Path, after_s: float) -> Life:
    """Start an agent and kill it, so long after its first frames."""
    began = time.time_ns()
    process = run_agent(folder, began)
    assert process.stdout
    first = process.stdout.readline()
    time.sleep(after_s)
    killed = time.time_ns()
    process.kill()
    rest, log = process.communicate()
    assert first, log
    handed = [tuple(map(int, line.split())) for line in (first + rest).splitlines()]
    return Life(began, killed, handed)  # type: ignore[arg-type]


def landed(folder: Path) -> Iterator[int]:
    for path in sorted((folder / "lake").rglob("*_raw.parquet")):
        yield from stamps_of(read_raw(path.read_bytes(), path.name)).tolist()


def kill_often(folder: Path, times: int, seed: int) -> str:
    """Kill it so many times, let one live, and compare. One line about it.

    Raises:
        AssertionError: A frame is missing, twice, or was never sent.
    """
    moments = random.Random(seed)
    lives = [kill_one(folder, moments.uniform(0.0, 2.5)) for _ in range(times)]
    last = time.time_ns()
    process = run_agent(folder, last, "0.1")
    _, log = process.communicate(timeout=300)
    assert process.returncode == 0, log
    assert not [
        path.name for path in (folder / "spool").iterdir() if path.is_file() and path.name != ".lock"
    ], log
    found = Counter(landed(folder))
    twice = [stamp for stamp, count in found.items() if count > 1]
    assert not twice, f"{len(twice)} frames are there twice, such as {twice[0]}"
    sent, wanted, lag = set(), 0, 0
    for life in lives:
        frames = life.frames()
        safe = {stamp for stamp in frames if stamp <= life.upto(life.killed - SAFE_NS)}
        missing = sorted(safe - found.keys())
        assert not missing, f"{len(missing)} of {len(safe)} are missing, such as {missing[0]}"
        there = max((frames & found.keys()), default=life.began)
        lag = max([lag, *(life.killed - when for stamp, when in life.handed if stamp > there)])
        sent |= frames
        wanted += len(safe)
    strangers = [stamp for stamp in found if stamp not in sent and stamp < last]
    assert not strangers, f"{len(strangers)} were never sent, such as {strangers[0]}"
    return (
        f"{times} kills: {wanted} frames older than 1 s, all there once; at most {lag / 1e6:.0f} ms were lost"
    )


if __name__ == "__main__":
    if sys.argv[1] == "--live":
        live(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]) if sys.argv[4:] else None)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            print(kill_often(Path(scratch), int(sys.argv[1]), seed=int((sys.argv[2:] or ["1"])[0])))
