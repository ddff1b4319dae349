import numpy as np
import pyarrow as pa
import pytest

from edge_agent.frames import frames_table
from telemetry_pipeline.lake.store import Store


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
def lake(tmp_path):
    return Store.open((tmp_path / "lake").as_uri())
