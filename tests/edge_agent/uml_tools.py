"""What scenes in the guest do: send, wait, listen, look into the lake."""

import ctypes
import signal
import struct
import subprocess
import threading
import time

import numpy as np
import pyarrow.parquet as pq

from edge_agent.records import table_of, widened
from telemetry_pipeline.lake.parquet import open_object, read_footer, read_raw

SECOND = 1_000_000_000


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def classic(can_id, data=b"", length=None):
    return struct.pack("=IB3x8s", can_id, len(data) if length is None else length, data)


def flexible(can_id, data, flags=0):
    return struct.pack("=IBB2x64s", can_id, len(data), flags, data)


def numbers_of(rows):
    return [int.from_bytes(row["data"][:8], "little") for row in rows]


def until(condition, seconds=180, process=None):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        assert process is None or process.poll() is None, process_log(process)
        time.sleep(0.05)


def read_until(reader, last):
    """Everything up to the frame with the id `last`: what is sent arrives a moment later."""
    parts = []

    def found():
        parts.append(reader.read())
        return last in parts[-1]["id"].tolist()

    until(found)
    return np.concatenate([widened(part) for part in parts])


class Listening:
    """A source that is read in a thread."""

    def __init__(self, source):
        self.source = source
        self.rows = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        for arrival in self.source.batches(self._stop):
            self.rows += table_of([arrival], "V").to_pylist()

    def __enter__(self):
        self._thread.start()
        until(lambda: all(line.reader or line.reconnects for line in self.source.lines))
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def process_log(process):
    return process.log.read_text()


def ended(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == 0, process_log(process)
    return process_log(process)


def objects(tmp_path):
    for path in sorted((tmp_path / "lake").rglob("*_raw.parquet")):
        body = path.read_bytes()
        yield (
            path.relative_to(tmp_path / "lake"),
            read_raw(body, path.name),
            read_footer(open_object(body, path.name)),
        )


def rows_landed(tmp_path):
    return sum(pq.read_metadata(path).num_rows for path in (tmp_path / "lake").rglob("*_raw.parquet"))


def set_clock(seconds, *, synced):
    """Set the guest's clock, and say whether something keeps it right."""
    time.clock_settime(time.CLOCK_REALTIME, seconds)
    state = ctypes.create_string_buffer(256)
    # struct timex with maximum error and status: an error that has grown too large makes the kernel unsynchronized
    state.raw = struct.pack("=I36xi", 0x10 | 0x04, 0 if synced else 0x40).ljust(256, b"\0")
    assert ctypes.CDLL(None, use_errno=True).adjtimex(state) >= 0
