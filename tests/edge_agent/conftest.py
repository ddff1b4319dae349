import secrets

import numpy as np
import pyarrow as pa
import pytest

from edge_agent.frames import frames_table
from edge_agent.records import Arrival, records_of
from edge_agent.spool import Spool
from edge_agent.window_name import name_by_content
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.store import Store

START = 1_795_334_400 * 1_000_000_000


@pytest.fixture
def make_frames():
    def make(stamps, data=b"\x01\x02", vehicle_id="V"):
        rows = len(stamps)
        flags = [False] * rows
        return frames_table(
            np.array(stamps, np.int64),
            np.full(rows, 0x123, np.uint32),
            pa.array([data] * rows, pa.binary()),
            vehicle_id=vehicle_id,
            channel="can0",
            is_extended_id=flags,
            is_fd=flags,
            is_error_frame=flags,
            is_remote_frame=flags,
            dlc=np.full(rows, len(data), np.uint8),
        )

    return make


@pytest.fixture
def arrive(make_frames):
    """Frames of one channel with given times."""

    def make(stamps, channel="can0"):
        return Arrival(channel, records_of(make_frames(stamps)))

    return make


@pytest.fixture
def add():
    """Puts a window into a spool, as if a journal had become it."""

    def put(spool, raw, body):
        number = secrets.randbits(64)
        journal = spool.folder / f"{number:016x}.was"
        journal.write_bytes(b"")
        (name,) = spool.add([(raw, body)], journal, number)
        return name

    return put


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
def window(make_frames):
    """A window of two frames, so many seconds after `START`: its name and its bytes."""

    def make(seconds, data=b"\x01"):
        stamp = START + seconds * 1_000_000_000
        body = write_raw(make_frames([stamp, stamp + 1], data))
        return name_by_content(RawObject.starting("V", stamp), body), body

    return make


@pytest.fixture
def lake(tmp_path):
    return Store.open((tmp_path / "lake").as_uri())
