import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import records
from edge_agent.records import (
    BITRATE_SWITCH,
    CLASSIC,
    ERROR,
    ERROR_STATE,
    EXTENDED,
    FD,
    REMOTE,
    WIDE,
    Arrival,
    coded_table,
    gathered,
    records_of,
    table_of,
)
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.parquet import open_object, read_raw, write_raw

LENGTHS = [*range(9), 12, 16, 20, 24, 32, 48, 64]


@st.composite
def frame(draw):
    is_fd = draw(st.booleans())
    length = draw(st.sampled_from(LENGTHS if is_fd else LENGTHS[:9]))
    extended = draw(st.booleans())
    row = {
        "timestamp": draw(st.integers(0, 2**62)),
        "arb_id": draw(st.integers(0, 0x1FFF_FFFF if extended else 0x7FF)),
        "dlc": LENGTHS.index(length),
        "data": draw(st.binary(min_size=length, max_size=length)),
        "is_extended_id": extended,
        "is_fd": is_fd,
        "is_error_frame": draw(st.booleans()),
        "is_remote_frame": not is_fd and draw(st.booleans()),
        "bitrate_switch": is_fd and draw(st.booleans()),
        "error_state_indicator": is_fd and draw(st.booleans()),
    }
    if row["is_remote_frame"]:
        row["data"] = b""
    return row


def record_of(row, dtype=WIDE):
    record = np.zeros(1, dtype)
    record["stamp"] = row["timestamp"]
    record["id"] = (
        row["arb_id"]
        | EXTENDED * row["is_extended_id"]
        | ERROR * row["is_error_frame"]
        | REMOTE * row["is_remote_frame"]
    )
    record["length"] = LENGTHS[row["dlc"]]
    record["flags"] = (
        FD * row["is_fd"]
        | BITRATE_SWITCH * row["bitrate_switch"]
        | ERROR_STATE * row["error_state_indicator"]
    )
    record["data"][0, : len(row["data"])] = np.frombuffer(row["data"], np.uint8)
    return record


@given(st.lists(st.tuples(frame(), st.sampled_from(["can0", "can1"])), max_size=20))
def test_columns_say_what_the_records_say(frames):
    arrivals = [
        Arrival(channel, record_of(row, WIDE if row["is_fd"] else CLASSIC)) for row, channel in frames
    ]
    table = table_of(arrivals, "V")
    has_flags = any(row["bitrate_switch"] or row["error_state_indicator"] for row, _ in frames)
    assert table.schema == (schema.RAW_FD if has_flags else schema.RAW)
    wanted = [row | {"channel": channel, "vehicle_id": "V"} for row, channel in frames]
    wanted.sort(key=lambda row: row["timestamp"])  # stable: equal times stay as they came
    rows = [row | {"timestamp": row["timestamp"].value} for row in table.to_pylist()]
    assert rows == [{name: row[name] for name in table.column_names} for row in wanted]


@given(st.lists(frame(), max_size=20))
def test_and_back(frames):
    frames.sort(key=lambda row: row["timestamp"])
    arrivals = [Arrival("can0", record_of(row)) for row in frames]
    table = table_of(arrivals, "V")
    back = records_of(table.slice(0, len(frames)))
    assert table_of([Arrival("can0", back)], "V").equals(table)
    half = len(frames) // 2
    rest = table_of([Arrival("can0", records_of(table.slice(half)))], "V")
    assert rest.equals(table.slice(half).select(rest.column_names))


def test_more_frames_than_become_columns_at_once_stay_in_their_order(monkeypatch):
    monkeypatch.setattr(records, "_CHUNK", 7)
    stamps = np.random.default_rng(0).permutation(100)
    arrivals = []
    for nth, part in enumerate(np.split(stamps, 10)):
        frames = np.zeros(10, WIDE if nth == 4 else CLASSIC)
        frames["stamp"], frames["id"], frames["length"] = part, part, part % 9
        frames["data"][:, 0] = part
        arrivals.append(Arrival(f"can{nth % 2}", frames))
    table = table_of(arrivals, "V", offset=1000)
    assert table["timestamp"].cast("int64").to_pylist() == list(range(1000, 1100))
    assert table["arb_id"].to_pylist() == list(range(100))
    assert [data[:1] for data in table["data"].to_pylist()] == [bytes([nth])[: nth % 9] for nth in range(100)]
    channels = {int(stamp): f"can{nth // 10 % 2}" for nth, stamp in enumerate(stamps)}
    assert table["channel"].to_pylist() == [channels[nth] for nth in range(100)]


@pytest.mark.parametrize(
    ("flags", "form", "plain"),
    [(0, schema.RAW_CODED, schema.RAW), (FD | BITRATE_SWITCH, schema.RAW_FD_CODED, schema.RAW_FD)],
)
def test_codes_are_written_as_the_names_that_they_stand_for(flags, form, plain):
    arrivals = [Arrival(f"can{nth % 2}", np.zeros(3, WIDE if flags else CLASSIC)) for nth in range(4)]
    arrivals[2].records["flags"][1] = flags
    coded, table = coded_table(gathered(arrivals), "V"), table_of(arrivals, "V")
    assert coded.schema == form
    assert write_raw(coded) == write_raw(table)
    assert read_raw(write_raw(coded), "x", wanted=plain).to_pylist() == table.to_pylist()


def test_flags_of_can_fd_have_columns_only_in_objects_that_hold_one():
    frames = np.zeros(40, WIDE)
    frames["flags"] = FD
    without = write_raw(coded_table(gathered([Arrival("can0", frames[:39])]), "V"))
    frames["flags"][-1] |= ERROR_STATE
    table = coded_table(gathered([Arrival("can0", frames)]), "V")
    assert open_object(write_raw(table), "x").schema_arrow.names == schema.RAW_FD.names
    # the frames before it, as at midnight, are written as if nobody knew of the flags
    assert write_raw(table.slice(0, 39)) == without
    assert open_object(without, "x").schema_arrow.names == schema.RAW.names
