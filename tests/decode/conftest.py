"""A small CAN database, and frames of its messages."""

import logging
from collections.abc import Iterator

import cantools.database
import pyarrow as pa
import pytest

from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.decode.frames import Decoded, decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.lake.parquet import conform_raw

SMALL = """VERSION ""
BU_: ECU
BO_ 256 Engine: 8 ECU
 SG_ Speed : 0|16@1+ (0.125,0) [0|8000] "rpm" ECU
 SG_ Temp : 23|8@0- (1,-40) [-40|215] "°C" ECU
BO_ 2147483904 Engine29: 4 ECU
 SG_ Load : 0|8@1+ (0.5,0) [0|100] "%" ECU
BO_ 512 Paged: 8 ECU
 SG_ Page M : 0|8@1+ (1,0) [0|0] "" ECU
 SG_ A m1 : 8|8@1+ (1,0) [0|0] "" ECU
 SG_ B m2 : 8|16@1+ (1,0) [0|0] "" ECU
BO_ 768 Silent: 2 ECU
"""


def make_raw(frames):
    """A raw table from dicts of timestamp (ns), arb_id, data and any other column."""
    fields = {
        "timestamp": pa.timestamp("ns"),
        "arb_id": pa.uint32(),
        "dlc": pa.uint8(),
        "data": pa.binary(),
        "vehicle_id": pa.string(),
    }
    optional = {
        "is_extended_id": pa.bool_(),
        "is_fd": pa.bool_(),
        "is_error_frame": pa.bool_(),
        "is_remote_frame": pa.bool_(),
        "channel": pa.string(),
    }
    defaults = {"dlc": 8, "vehicle_id": "V"}
    used = fields | {name: kind for name, kind in optional.items() if any(name in frame for frame in frames)}
    columns = {
        name: pa.array([frame.get(name, defaults.get(name)) for frame in frames], kind)
        for name, kind in used.items()
    }
    return conform_raw(pa.table(columns), "test")


def wrap(database, name="test.dbc"):
    return Dbc(name, "0" * 64, database, ())


@pytest.fixture
def small() -> Dbc:
    return load_dbc(SMALL.encode(), "small.dbc")


@pytest.fixture
def decode(small):
    def run(frames, *, strict_length=False, dbcs=None) -> Decoded:
        return decode_frames(make_raw(frames), compile_plan(dbcs or [small], strict_length=strict_length))

    return run


@pytest.fixture
def frame():
    """One frame of Engine: 100 rpm and 20 °C."""
    return {"timestamp": 1_000, "arb_id": 256, "data": bytes([32, 3, 60, 0, 0, 0, 0, 0])}


@pytest.fixture
def raw_of():
    return make_raw


@pytest.fixture
def database_of():
    """A Dbc of cantools messages, not checked by cantools."""

    def build(messages, name="test.dbc") -> Dbc:
        return wrap(cantools.database.Database(messages=messages, strict=False), name)

    return build


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep what cantools says of databases that nobody meant to be sound out of the output."""
    log = logging.getLogger("cantools")
    before = log.level
    log.setLevel(logging.ERROR)
    yield
    log.setLevel(before)
