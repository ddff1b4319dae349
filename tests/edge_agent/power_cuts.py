"""Cut a computer's power at random moments, again and again: `python -m tests.edge_agent.power_cuts 50`.

Each life is a boot of a kernel of its own on the same ext4 image, with whatever the cut before has left on it: the file
system is mounted, the agent starts, brings in what it finds, and goes on. The power is cut by SIGKILL of that kernel:
what it had not written to the image is lost. What the image's disk holds back (a volatile cache) is not tried. The lake
is outside, as a store is. A sender notes outside what it has sent, and when.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.edge_agent.can_sender import CHUNK, Sender
from tests.edge_agent.uml import ext4, guest
from tests.edge_agent.witness import landed

CHANNELS = ("vcan0", "vcan1")
RATE = 2000.0
SAFE_S = 1.0
DISK = Path("/run/disk")
SENDING_S = 4.0
"""The longest that frames come in a life."""

STARTING_S = 6.0
"""The longest after the agent's start, in the lives that end while it starts, or soon after."""

STARTS = 5
"""Every so many lives end at a moment that is counted from the agent's start."""


def inside(folder: Path, life: int) -> None:
    """Be a computer whose power is cut; life 0 is the last one, which ends by itself."""
    DISK.mkdir(exist_ok=True)
    subprocess.run(["mount", "/dev/ubda", DISK], check=True)
    places = ["--spool", DISK / "spool", "--lake", (folder / "lake").as_uri(), "--vehicle", "V"]
    command = [sys.executable, "-m", "tests.edge_agent.bare_agent", "--channel", ",".join(CHANNELS), *places]
    log = folder / f"log-{life}"
    print("starting", flush=True)
    with log.open("w") as file:
        agent = subprocess.Popen(
            [*command, "--window", "1"], env=os.environ | {"AGENT_CLOCK_WAIT_SECONDS": "0"}, stderr=file
        )
    while log.read_text().count("listening on") < len(CHANNELS):
        assert agent.poll() is None, log.read_text()
        time.sleep(0.05)
    if life == 0:
        while [path for path in (DISK / "spool").iterdir() if path.is_file() and path.name != ".lock"]:
            assert agent.poll() is None, log.read_text()
            time.sleep(0.2)
        agent.terminate()
        sys.exit(agent.wait())
    note = os.open(folder / f"sent-{life}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    senders = [Sender(channel) for channel in CHANNELS]
    print("sending", flush=True)
    began = time.monotonic()
    for nth in range(0, 1 << 30, CHUNK):
        if (ahead := began + nth / RATE - time.monotonic()) > 0:
            time.sleep(ahead)
        for sender in senders:
            sender.send((life << 32) + nth, CHUNK)
        os.write(note, np.array([nth + CHUNK, time.monotonic_ns()], "<i8").tobytes())


def live(folder: Path, image: Path, life: int, moments: random.Random) -> None:
    """One life; the power is cut at a random moment."""
    command = [sys.executable, "-m", "tests.edge_agent.power_cuts", "--inside", str(folder), str(life)]
    with guest(command, image=image) as running:
        running.wait_for("starting")
        if life == 0:
            code = running.wait(300)
            assert code == 0, running.output + (folder / "log-0").read_text()
        else:
            if life % STARTS:
                running.wait_for("sending")
            time.sleep(moments.uniform(0.0, SENDING_S if life % STARTS else STARTING_S))
            running.cut_power()
            assert "Traceback" not in running.output, running.output


def sent_in(folder: Path, life: int) -> npt.NDArray[np.int64]:
    """What was sent in a life: rows of (frames on each channel so far, when, ns)."""
    path = folder / f"sent-{life}"
    content = path.read_bytes() if path.exists() else b""
    return np.frombuffer(content[: len(content) // 16 * 16], "<i8").reshape(-1, 2)


def lost_in(folder: Path, life: int, found: npt.NDArray[np.uint64]) -> float:
    """Seconds of a channel's frames that are missing at the end of a life.

    Raises:
        AssertionError: Frames are missing before that, or are there twice, or not in order.
    """
    sent = sent_in(folder, life)
    mine = found[found >> np.uint64(32) == life] & np.uint64(0xFFFF_FFFF)
    assert np.array_equal(mine, np.arange(len(mine))), f"life {life}: gaps, or frames that are there twice"
    if not len(sent):
        return 0.0
    assert len(mine) <= sent[-1, 0] + CHUNK
    missing = sent[sent[:, 0] > len(mine)]
    return float(sent[-1, 1] - missing[0, 1]) / 1e9 if len(missing) else 0.0


def cut_often(folder: Path, times: int, seed: int) -> str:
    """Cut the power so often, let one life end by itself, and compare. One line about it.

    Raises:
        AssertionError: More is lost than the last second, or anything is torn, twice or out of order.
    """
    image = ext4(folder / "disk", 64)
    moments = random.Random(seed)
    for life in range(1, times + 1):
        live(folder, image, life, moments)
    live(folder, image, 0, moments)
    losses, frames, senders = [0.0], 0, 0
    for channel in CHANNELS:
        notes = landed(folder / "lake", channel)  # every object is read: none is torn
        assert np.all(np.diff(notes["stamp"]) >= 0), channel
        frames += len(notes)
        losses += [lost_in(folder, life, notes["number"]) for life in range(1, times + 1)]
    senders = sum(len(sent_in(folder, life)) > 0 for life in range(1, times + 1))
    recovered = sum("of an earlier run" in path.read_text() for path in folder.glob("log-*"))
    assert max(losses) <= SAFE_S, f"{max(losses):.2f} s are lost: {sorted(losses)[-10:]}"
    assert senders > 0
    return (
        f"{times} power cuts ({senders} while frames came, {times - senders} while the agent started), "
        f"{recovered} starts found something to bring in: {frames} frames in the lake, each once, in order; "
        f"lost at the end of a life: at most {max(losses):.2f} s, on average {np.mean(losses):.2f} s"
    )


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            print(cut_often(Path(scratch), int(sys.argv[1]), seed=int((sys.argv[2:] or ["1"])[0])))
