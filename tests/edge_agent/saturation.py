"""Two saturated buses for minutes, then with CAN FD, and a ledger: `python -m tests.edge_agent.saturation 120`.

In a kernel of its own, with the spool on a real ext4 file system. A witness notes what the buses carried; the lake must
have the same frames, each once, in their order, with the same times to the nanosecond.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tests.edge_agent.can_sender import send_paced
from tests.edge_agent.uml import ext4, guest
from tests.edge_agent.witness import landed, witnessed

CHANNELS = ["vcan0", "vcan1"]
CLASSIC_RATE = 8500.0
"""Frames a second and channel: 1 Mbit/s of frames with 8 bytes."""

FD_RATE = 4000.0
"""Frames a second and channel: 64 bytes at 1 and 5 Mbit/s."""

MOST_MEGABYTES = 150
DISK = Path("/run/disk")


def inside(folder: Path, seconds: float) -> None:
    """Run the agent, the witness and the sender in the guest; what the agent took is printed."""
    DISK.mkdir(exist_ok=True)
    subprocess.run(["mount", "/dev/ubda", DISK], check=True)
    names = ",".join(CHANNELS)
    places = ["--spool", DISK / "spool", "--lake", (folder / "lake").as_uri(), "--vehicle", "V"]
    places += ["--window", str(min(60, seconds / 2))]
    with (folder / "log").open("w") as log:
        agent = subprocess.Popen(
            [sys.executable, "-m", "tests.edge_agent.bare_agent", "--channel", names, *places],
            env=os.environ | {"AGENT_CLOCK_WAIT_SECONDS": "0"},
            stderr=log,
        )
    witness = subprocess.Popen([sys.executable, "-m", "tests.edge_agent.witness", names, folder])
    _until(lambda: (folder / "log").read_text().count("listening on") == len(CHANNELS), agent)
    _until((folder / CHANNELS[-1]).exists, witness)
    counts = [(False, round(CLASSIC_RATE * seconds)), (True, round(FD_RATE * seconds))]
    took = [send_paced(CHANNELS, count, CLASSIC_RATE if not fd else FD_RATE, fd=fd) for fd, count in counts]
    total = len(CHANNELS) * sum(count for _, count in counts)
    witness.terminate()
    witness.wait()
    middle = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = int(Path(f"/proc/{agent.pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1000
    agent.terminate()
    code = agent.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - middle.ru_utime - middle.ru_stime
    assert code == 0, code
    print(
        f"{total} frames in {sum(took):.0f} s, {spent / total * 1e6:.1f} CPU s per million in this kernel, "
        f"{peak:.0f} MB",
        flush=True,
    )


def _until(condition, process):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def saturate(folder: Path, seconds: float) -> str:
    """Boot, send for so many seconds each, and compare. One line about it.

    Raises:
        AssertionError: A frame is missing, twice, out of order or of another time; or it took too much memory.
    """
    image = ext4(folder / "disk", 400)
    command = [sys.executable, "-m", "tests.edge_agent.saturation", "--inside", str(folder), str(seconds)]
    with guest(command, image=image) as running:
        code = running.wait(6 * seconds + 300)
        said = running.output
    log = (folder / "log").read_text()
    assert code == 0, said + log
    assert "dropped" not in log, log
    for channel in CHANNELS:
        sent, found = witnessed(folder, channel), landed(folder / "lake", channel)
        counts = [round(rate * seconds) for rate in (CLASSIC_RATE, FD_RATE)]
        assert np.array_equal(sent["number"], np.concatenate([np.arange(count) for count in counts])), channel
        assert np.array_equal(found["number"], sent["number"]), f"{channel}: {len(found)} of {len(sent)}"
        assert np.array_equal(found["stamp"], sent["stamp"]), channel
    objects = list((folder / "lake").rglob("*.parquet"))
    assert sum(pq.read_metadata(path).num_rows for path in objects) == 2 * sum(counts)
    megabytes = int(said.rpartition(", ")[2].split()[0])
    assert megabytes <= MOST_MEGABYTES, said
    return f"{said.strip().splitlines()[-1]}; all in the lake once, in order, ns exact, in {len(objects)} objects"


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(Path(sys.argv[2]), float(sys.argv[3]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("seconds", type=float, help="how long, with each kind of frame")
        with tempfile.TemporaryDirectory() as scratch:
            print(saturate(Path(scratch), parser.parse_args().seconds))
