"""What capturing costs on the vehicle: `python -m benchmarks.edge`.

First on this machine's own kernel, which has no CAN: the agent receives datagrams of the size of frames through the
same calls, stamped by the kernel in the same way, and its CPU time is taken from capture to the landed object. Then
against others in one run, on a real CAN bus of a kernel in a process (User-Mode Linux), onto a real ext4 file system.
There every system call is several times dearer than on metal, which flatters whoever makes few; the ratios are of that
kernel, the absolute figure is the first one.
"""

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.background import Background
from benchmarks.edge_others import GUEST_RATE, WINDOW_S, against_others, in_the_guest
from edge_agent.agent import Agent
from edge_agent.capture import BusSource, Line
from edge_agent.config import AgentConfig
from edge_agent.socketcan import SocketCanReader, set_up
from tests.edge_agent.bare_agent import NoPandas

MOST_CPU_S: Final = 2.0
"""CPU seconds per million frames, from the kernel to the landed object."""

MOST_MEGABYTES: Final = 150
"""The largest that the agent's process may become."""

WARM_FRAMES: Final = 1000
SENDER_WAITS_S: Final = 13.0
"""What a start and a first window cost is not what frames cost: a few are sent, and the others when those have landed."""

HERE: Final = [sys.executable, "-m", "benchmarks.edge"]


def on_this_kernel(frames: int, rate: float) -> bool:
    """Print the agent's CPU time and size for frames of two channels, `rate` a second on each; whether it keeps to both."""
    sys.meta_path.insert(0, NoPandas())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = AgentConfig(
            vehicle_id="V",
            lake=(folder / "lake").as_uri(),
            spool=folder / "spool",
            channel="can0,can1",
            window_seconds=WINDOW_S,
            clock_wait_seconds=0,
        )
        source = BusSource(config)
        ports = [_redirect(line) for line in source.lines]
        stop = threading.Event()
        sender = subprocess.Popen(
            [*HERE, "--send", *map(str, ports), str(frames), str(rate)],
        )
        with _Sending(sender, stop) as sending:
            Agent(config, source).run(stop)
        ended = os.times()
        if sender.returncode != 0 or sending.begun is None:
            raise SystemExit(f"the sender ended with {sender.returncode}, not all of the frames were sent")
        user, kernel = ended.user - sending.begun.user, ended.system - sending.begun.system
        landed = sum(pq.read_metadata(path).num_rows for path in (folder / "lake").rglob("*.parquet"))
        landed -= 2 * WARM_FRAMES
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    spent = (user + kernel) / landed * 1e6
    print(
        f"agent on this kernel, two channels at {rate:.0f} frames/s each: {landed} of {2 * frames} frames landed"
    )
    print(
        f"  {spent:.2f} CPU s per million, {user / landed * 1e6:.2f} in the agent's own code "
        f"and {kernel / landed * 1e6:.2f} in the kernel for it: {_of(spent, MOST_CPU_S)}"
    )
    print(f"  {peak} MB at most: {_of(peak, MOST_MEGABYTES)}")
    return spent <= MOST_CPU_S and peak <= MOST_MEGABYTES and landed == 2 * frames


class _Sending(Background):
    """Notes when the frames that count begin, and ends the agent a second after the sender has."""

    def __init__(self, sender: "subprocess.Popen[bytes]", stop: threading.Event) -> None:
        super().__init__()
        self.begun: os.times_result | None = None
        self._sender = sender
        self._stop = stop

    def _run(self) -> None:
        if not self._over.wait(SENDER_WAITS_S - 0.2):
            self.begun = os.times()
            self._sender.wait()
            self._over.wait(1)
        if self._sender.poll() is None:  # the agent has ended before it
            self._sender.terminate()
            self._sender.wait()
        self._stop.set()


def _redirect(line: Line) -> int:
    """Have a channel's frames come as datagrams; to which port."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    set_up(udp, line.channel)
    udp.bind(("127.0.0.1", 0))
    line.open = lambda: SocketCanReader(line.channel, udp)  # type: ignore[method-assign]
    return int(udp.getsockname()[1])


def _of(value: float, most: float) -> str:
    return f"{value / most:.2f} of the limit of {most:g}{'' if value <= most else ', which is TOO MUCH'}"


def send(ports: list[int], frames: int, rate: float) -> None:
    """Send datagrams as large as frames: a few, and after a pause the others."""
    sockets = []
    for port in ports:
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].connect(("127.0.0.1", port))
    began = time.monotonic()
    for first, count in ((0, WARM_FRAMES), (WARM_FRAMES, frames)):
        for nth in range(count):
            if nth % 64 == 0 and (ahead := began + nth / rate - time.monotonic()) > 0:
                time.sleep(ahead)
            frame = ((first + nth) % 2048).to_bytes(4, "little") + b"\x08\0\0\0" + nth.to_bytes(8, "little")
            for one in sockets:
                one.send(frame)
        began += SENDER_WAITS_S
        time.sleep(max(began - time.monotonic(), 0) if first == 0 else 0)


def main() -> int:
    """Run what was asked for; 1 if the agent took more than it may."""
    if sys.argv[1:2] == ["--send"]:
        *ports, frames, rate = sys.argv[2:]
        send([int(port) for port in ports], int(frames), float(rate))
        return 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge", description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=255_000, help="frames on each channel")
    parser.add_argument("--rate", type=float, default=8500, help="frames a second on each channel")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        in_the_guest(asked.frames, asked.rate)
        return 0
    is_good = on_this_kernel(asked.frames, asked.rate)
    against_others(min(asked.frames, round(30 * GUEST_RATE)), min(asked.rate, GUEST_RATE))
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
