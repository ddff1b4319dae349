"""What capturing costs on the vehicle: `python -m benchmarks.edge`.

First on this machine's own kernel, which has no CAN: the agent receives datagrams of the size of frames through the
same calls, stamped by the kernel in the same way, and its CPU time is taken from capture to the landed object. Then
against others in one run, on a real CAN bus of a kernel in a process (User-Mode Linux), onto a real ext4 file system.
There every system call is several times dearer than on metal, which flatters whoever makes few; the ratios are of that
kernel, the absolute figure is the first one.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from edge_agent.agent import Agent
from edge_agent.capture import BusSource
from edge_agent.config import AgentConfig
from edge_agent.socketcan import SocketCanReader, set_up
from tests.edge_agent.uml import guest, missing

TARGET_S: Final = 2.0
"""CPU seconds per million frames, journal and Parquet included."""

SENDER_WAITS_S: Final = 3.0
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
        if batch and time.time() - began >= 10:
            flush()
            began = time.time()
if batch:
    flush()
"""
"""A loop as agents of this kind are usually written: a message object, a frame object, lists, a file a window."""


class NoPandas:
    """There is none on a vehicle; where there is one, Arrow loads it, which takes a second and 100 MB."""

    def find_spec(self, name: str, *_: object) -> None:
        """Say that there is no pandas."""
        if name == "pandas":
            raise ImportError(name)


def on_this_kernel(frames: int, rate: float) -> str:
    """The agent's CPU time for frames of two channels, `rate` a second on each."""
    sys.meta_path.insert(0, NoPandas())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = AgentConfig(
            vehicle_id="V",
            lake=(folder / "lake").as_uri(),
            spool=folder / "spool",
            channel="can0,can1",
            clock_wait_seconds=0,
        )
        source = BusSource(config)
        ports = []
        for line in source.lines:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            set_up(udp, line.channel)
            udp.bind(("127.0.0.1", 0))
            ports.append(udp.getsockname()[1])
            line.open = lambda udp=udp, line=line: SocketCanReader(line.channel, udp)  # type: ignore[method-assign]
        stop = threading.Event()
        command = [
            sys.executable,
            "-m",
            "benchmarks.edge",
            "--send",
            *map(str, ports),
            str(frames),
            str(rate),
        ]
        sender = subprocess.Popen(command)
        threading.Thread(target=lambda: (sender.wait(), time.sleep(1), stop.set())).start()
        begun: list[os.times_result] = []
        # what a start costs is not what frames cost: the sender waits for so long
        threading.Timer(SENDER_WAITS_S - 0.2, lambda: begun.append(os.times())).start()
        Agent(config, source).run(stop)
        ended = os.times()
        user, kernel = ended.user - begun[0].user, ended.system - begun[0].system
        landed = sum(pq.read_metadata(path).num_rows for path in (folder / "lake").rglob("*.parquet"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"agent, two channels at {rate:.0f} frames/s each: {landed} of {2 * frames} frames landed, "
        f"{(user + kernel) / landed * 1e6:.2f} CPU s per million (target {TARGET_S:g}), "
        f"{kernel / landed * 1e6:.2f} of them in system calls; {peak} MB"
    )


def send(ports: list[int], frames: int, rate: float) -> None:
    """Send datagrams as large as frames."""
    sockets = []
    for port in ports:
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].connect(("127.0.0.1", port))
    time.sleep(SENDER_WAITS_S)
    began = time.monotonic()
    for nth in range(frames):
        if nth % 64 == 0 and (ahead := began + nth / rate - time.monotonic()) > 0:
            time.sleep(ahead)
        frame = (nth % 2048).to_bytes(4, "little") + b"\x08\0\0\0" + nth.to_bytes(8, "little")
        for one in sockets:
            one.send(frame)


def contenders(folder: Path) -> dict[str, list[str]]:
    """Who is measured, and the command that records vcan0 into a folder until SIGTERM."""
    python = sys.executable
    places = ["--spool", f"{folder}/spool", "--lake", f"file://{folder}/lake", "--vehicle", "V"]
    return {
        "edge-agent": [python, "-m", "edge_agent", "--channel", "vcan0", "--window", "10", *places],
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
        "seed-style loop": [python, "-c", SEED_LOOP, str(folder)],
    }


def in_the_guest(frames: int, rate: float) -> None:
    """Measure each contender: one line of JSON each."""
    from tests.edge_agent.can_sender import send_paced  # noqa: PLC0415

    DISK.mkdir()
    subprocess.run(["mount", "/dev/ubda", DISK], check=True)
    for name in contenders(DISK):
        folder = DISK / name.replace(" ", "_")
        folder.mkdir()
        command = contenders(folder)[name]
        before, written = resource.getrusage(resource.RUSAGE_CHILDREN), sectors()
        env = os.environ | {"AGENT_CLOCK_WAIT_SECONDS": "0"}
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
    return sum(pq.read_metadata(path).num_rows for path in objects) + sum(
        sum(1 for line in path.open() if "#" in line) for path in logs
    )


def against_others(frames: int, rate: float) -> None:
    """Boot, measure, and print a table."""
    if reason := missing():
        print(f"others are not measured: {reason}")
        return
    with tempfile.TemporaryDirectory() as name:
        image = Path(name) / "disk"
        with image.open("wb") as file:
            file.truncate(400 << 20)
        subprocess.run(
            [
                shutil.which("mkfs.ext4", path="/sbin:/usr/sbin") or "mkfs.ext4",
                "-q",
                "-E",
                "lazy_itable_init=0",
                image,
            ],
            check=True,
        )
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
            code = running.wait(900)
            said = running.output
    if code:
        sys.exit(said)
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    ours = next(one["cpu"] for one in found if one["name"] == "edge-agent")
    print(f"in User-Mode Linux, one channel at {rate:.0f} frames/s, {frames} frames:")
    print(f"  {'':<18} {'frames kept':>12} {'CPU s/M frames':>15} {'against ours':>13} {'MB written/h':>13}")
    for one in found:
        print(
            f"  {one['name']:<18} {one['frames']:>12} {one['cpu']:>15.1f} {one['cpu'] / ours:>12.1f}× "
            f"{one['mb_per_hour']:>13.0f}"
        )


def main() -> None:
    """Run what was asked for."""
    if sys.argv[1:2] == ["--send"]:
        *ports, frames, rate = sys.argv[2:]
        send([int(port) for port in ports], int(frames), float(rate))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge", description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=120_000, help="frames on each channel")
    parser.add_argument("--rate", type=float, default=4000, help="frames a second on each channel")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        in_the_guest(asked.frames, asked.rate)
        return
    print(on_this_kernel(asked.frames, asked.rate))
    against_others(asked.frames, asked.rate)


if __name__ == "__main__":
    main()
