"""Hears what an agent hears, beside it, and notes each frame's number and time: `python -m … CHANNELS FOLDER`.

What it notes is what a lake is compared with. It ends on SIGTERM, when nothing comes any more.
"""

import select
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from edge_agent.records import Records
from edge_agent.socketcan import listen_to

NOTE = np.dtype([("number", "<u8"), ("stamp", "<i8")])
Notes = npt.NDArray[np.void]


def notes_of(records: Records) -> Notes:
    notes = np.empty(len(records), NOTE)
    notes["number"] = np.ascontiguousarray(records["data"][:, :8]).view("<u8")[:, 0]
    notes["stamp"] = records["stamp"]
    return notes


def listen(channels: list[str], folder: Path) -> None:
    """Note what comes until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    readers = {channel: listen_to(channel, []) for channel in channels}
    files = {channel: (folder / channel).open("wb") for channel in channels}
    poll = select.poll()
    for reader in readers.values():
        poll.register(reader, select.POLLIN)
    print("listening", flush=True)
    while poll.poll(0 if ended.is_set() else 200) or not ended.is_set():
        for channel, reader in readers.items():
            files[channel].write(notes_of(reader.read()).tobytes())
        time.sleep(0.1)  # fewer, larger reads
    for channel, reader in readers.items():
        assert reader.dropped == 0, f"the witness itself missed {reader.dropped} frames of {channel}"
        files[channel].close()


def witnessed(folder: Path, channel: str) -> Notes:
    """What was noted of a channel."""
    return np.fromfile(folder / channel, NOTE)


def landed(lake: Path, channel: str) -> Notes:
    """What a lake has of a channel, object by object."""
    parts = [np.empty(0, NOTE)]
    for path in sorted(lake.rglob("*_raw.parquet"), key=lambda path: path.name):
        # nothing is assumed of how the agent writes
        table = pq.read_table(
            path, columns=["timestamp", "data", "channel"], filters=[("channel", "=", channel)]
        )
        notes = np.empty(table.num_rows, NOTE)
        data = b"".join(payload[:8] for payload in table["data"].to_pylist())
        notes["number"] = np.frombuffer(data, "<u8")
        notes["stamp"] = table["timestamp"].cast("int64").to_numpy()
        parts.append(notes)
    return np.concatenate(parts)


if __name__ == "__main__":
    listen(sys.argv[1].split(","), Path(sys.argv[2]))
