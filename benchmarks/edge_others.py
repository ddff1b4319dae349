"""What others take to record the same frames on the same bus, measured beside the agent in a kernel in a process.

Each contender records vcan0 onto a real ext4 file system until SIGTERM. What the agent takes without others is
measured in `edge`.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from tests.edge_agent.can_sender import send_paced
from tests.edge_agent.uml import ext4, guest, missing

GUEST_RATE: Final = 4000.0
"""The most that loops with an object for each frame keep up with in the guest."""

WINDOW_S: Final = 10.0
"""How much of the bus one file holds."""

DISK: Final = Path("/run/disk")
SEED_LOOP: Final = """
import signal, sys, time
from collections import deque
from dataclasses import dataclass
import can, pyarrow as pa, pyarrow.parquet as pq

@dataclass
class Frame:
    timestamp: float
    arb_id: int
    dlc: int
    data: bytes

ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
recent, batch, number, began = deque(maxlen=1000), [], 0, time.time()
def flush():
    global batch, number
    columns = {
        "timestamp": pa.array([int(f.timestamp * 1e9) for f in batch], pa.timestamp("ns")),
        "arb_id": pa.array([f.arb_id for f in batch], pa.uint32()),
        "dlc": pa.array([f.dlc for f in batch], pa.uint8()),
        "data": pa.array([f.data for f in batch], pa.binary()),
        "vehicle_id": ["V"] * len(batch),
    }
    pq.write_table(pa.table(columns), f"{sys.argv[1]}/{number}.parquet", compression="snappy")
    batch, number = [], number + 1
with can.Bus(interface="socketcan", channel="vcan0") as bus:
    print("ready", flush=True)
    while not ended:
        message = bus.recv(1.0)
        if message is not None:
            frame = Frame(message.timestamp, message.arbitration_id, message.dlc, bytes(message.data))
            recent.append(frame.timestamp)
            batch.append(frame)
        if batch and time.time() - began >= float(sys.argv[2]):
            flush()
            began = time.time()
if batch:
    flush()
"""
"""A loop as agents of this kind are usually written: a message object, a frame object, lists, a file a window."""


def contenders(folder: Path) -> dict[str, list[str]]:
    """Who is measured, and the command that records vcan0 into a folder until SIGTERM."""
    python = sys.executable
    window = f"{WINDOW_S:g}"
    places = [
        "--window",
        window,
        "--spool",
        f"{folder}/spool",
        "--lake",
        f"file://{folder}/lake",
        "--vehicle",
        "V",
    ]
    return {
        "edge-agent": [python, "-m", "tests.edge_agent.bare_agent", "--channel", "vcan0", *places],
        "candump -l": ["candump", "-l", "-r", "8388608", "vcan0"],
        "python-can logger": [
            python,
            "-m",
            "can.logger",
            "-i",
            "socketcan",
            "-c",
            "vcan0",
            "-f",
            f"{folder}/log.log",
        ],
        "seed-style loop": [python, "-c", SEED_LOOP, str(folder), window],
    }


def in_the_guest(frames: int, rate: float) -> None:
    """Measure each contender: one line of JSON each."""
    DISK.mkdir()
    subprocess.run(["mount", "/dev/ubda", DISK], check=True)
    for name in contenders(DISK):
        folder = DISK / name.replace(" ", "_")
        folder.mkdir()
        command = contenders(folder)[name]
        before, written = resource.getrusage(resource.RUSAGE_CHILDREN), sectors()
        env = os.environ | {"AGENT_CLOCK_WAIT_SECONDS": "0", "PYTHONPATH": os.getcwd()}  # noqa: PTH109
        with (folder / "said").open("w") as said:
            process = subprocess.Popen(command, cwd=folder, env=env, stdout=said, stderr=said)
        waited = time.monotonic() + 120
        while listeners() == 0 and time.monotonic() < waited:
            time.sleep(0.1)
        time.sleep(1)
        started = cpu_of(process.pid)
        took = send_paced(["vcan0"], frames, rate)
        time.sleep(3)
        process.terminate()
        process.wait(timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.sync()
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - started
        print(
            json.dumps(
                {
                    "name": name,
                    "frames": kept(folder),
                    "of": frames,
                    "cpu": spent / frames * 1e6,
                    "mb_per_hour": (sectors() - written) * 512 / took * 3600 / 1e6,
                }
            ),
            flush=True,
        )


def sectors() -> int:
    """Sectors written to the guest's disk so far."""
    return int(Path("/sys/block/ubda/stat").read_text().split()[6])


def listeners() -> int:
    """How many sockets listen to vcan0: as root, the kernel lists each with the function that gets its frames."""
    lists = ("rcvlist_all", "rcvlist_fil")
    lines = [line for name in lists for line in Path("/proc/net/can", name).read_text().splitlines()]
    return sum(line.split()[:1] == ["vcan0"] for line in lines)


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kept(folder: Path) -> int:
    """How many frames a contender has on the disk."""
    objects = list(folder.rglob("*.parquet"))
    logs = list(folder.glob("*.log"))
    return sum(int(pq.read_metadata(path).num_rows) for path in objects) + sum(
        sum(1 for line in path.open() if "#" in line) for path in logs
    )


def against_others(frames: int, rate: float) -> None:
    """Boot, measure, and print a table."""
    if reason := missing():
        print(f"others are not measured: {reason}")
        return
    with tempfile.TemporaryDirectory() as name:
        image = ext4(Path(name) / "disk", 400)
        command = [
            sys.executable,
            "-m",
            "benchmarks.edge",
            "--inside",
            "--frames",
            str(frames),
            "--rate",
            str(rate),
        ]
        with guest(command, image=image) as running:
            code = running.wait(1800)
            said = running.output
    if code:
        sys.exit(said)
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    ours = found[0]
    print(f"in User-Mode Linux, one channel at {rate:.0f} frames/s, {frames} frames; against the agent:")
    print(f"  {'':<18} {'frames kept':>12} {'CPU s/M frames':>15} {'':>8} {'MB written/h':>13}")
    for one in found:
        cpu, written = (f"{one[key] / ours[key]:.2f}×" for key in ("cpu", "mb_per_hour"))
        print(
            f"  {one['name']:<18} {one['frames']:>12} {one['cpu']:>15.1f} {cpu:>8} {one['mb_per_hour']:>13.0f} {written:>8}"
        )
