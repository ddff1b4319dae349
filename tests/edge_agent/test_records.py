import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import records
from edge_agent.records import (
    CLASSIC,
    ERROR,
    EXTENDED,
    FD,
    REMOTE,
    WIDE,
    Arrival,
    coded_table,
    gathered,
    narrowed,
    records_of,
    table_of,
)
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.parquet import read_raw, write_raw

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
    record["flags"] = FD * row["is_fd"]
    record["data"][0, : len(row["data"])] = np.frombuffer(row["data"], np.uint8)
    return record


@given(st.lists(st.tuples(frame(), st.sampled_from(["can0", "can1"])), max_size=20))
def test_columns_say_what_the_records_say(frames):
    arrivals = [Arrival(channel, narrowed(record_of(row))) for row, channel in frames]
    table = table_of(arrivals, "V")
    assert table.schema == schema.RAW
    wanted = [row | {"channel": channel, "vehicle_id": "V"} for row, channel in frames]
    wanted.sort(key=lambda row: row["timestamp"])  # stable: equal times stay as they came
    rows = [row | {"timestamp": row["timestamp"].value} for row in table.to_pylist()]
    assert rows == [{name: row[name] for name in schema.RAW.names} for row in wanted]


@given(st.lists(frame(), max_size=20))
def test_and_back(frames):
    frames.sort(key=lambda row: row["timestamp"])
    arrivals = [Arrival("can0", record_of(row)) for row in frames]
    table = table_of(arrivals, "V")
    back = records_of(table.slice(0, len(frames)))
    assert table_of([Arrival("can0", back)], "V").equals(table)
    half = len(frames) // 2
    assert table_of([Arrival("can0", records_of(table.slice(half)))], "V").equals(table.slice(half))


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


def test_classic_frames_take_the_narrow_form_alone():
    frames = np.zeros(3, WIDE)
    assert narrowed(frames).dtype == CLASSIC
    frames["flags"][1] = FD
    assert narrowed(frames).dtype == WIDE


def test_codes_are_written_as_the_names_that_they_stand_for():
    arrivals = [Arrival(f"can{nth % 2}", np.zeros(3, CLASSIC)) for nth in range(4)]
    coded, table = coded_table(gathered(arrivals), "V"), table_of(arrivals, "V")
    assert coded.schema == schema.RAW_CODED
    assert write_raw(coded) == write_raw(table)
    assert read_raw(write_raw(coded), "x").to_pylist() == table.to_pylist()
