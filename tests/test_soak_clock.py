"""The clock of a soak's vehicles: the wall clock of a process is set, and no other clock."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.soak_clock import SteppedClock

HOUR_S = 3600
CLOCKS = (
    "import time, datetime as dt; print(time.time(), time.monotonic(), dt.datetime.now(dt.UTC).timestamp())"
)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.mark.parametrize("hours", [1, -1, 0])
def test_the_wall_clock_is_set_and_the_others_go_on(tmp_path: Path, hours: int) -> None:
    clock = SteppedClock(tmp_path / "clock")
    clock.step(hours * HOUR_S)
    before = time.time(), time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", CLOCKS], env=clock.env, check=True, capture_output=True, text=True
    ).stdout
    after = time.time(), time.monotonic()
    wall, steady, date = map(float, said.split())
    assert before[0] <= wall - hours * HOUR_S <= after[0]
    assert before[0] <= date - hours * HOUR_S <= after[0]
    assert before[1] <= steady <= after[1]


def test_a_process_that_runs_sees_the_step(tmp_path: Path) -> None:
    clock = SteppedClock(tmp_path / "clock")
    program = "import sys, time\nfor _ in sys.stdin: print(time.time(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=clock.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for seconds in (0, HOUR_S, -HOUR_S, 0):
            clock.step(seconds)
            before = time.time()
            print(file=process.stdin, flush=True)
            assert before <= float(process.stdout.readline()) - seconds <= time.time()
        process.stdin.close()
