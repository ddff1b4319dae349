"""Columns as other writers store them: what has one meaning is converted, what would be a guess is refused."""

import datetime as dt
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import parquet, schema
from telemetry_pipeline.lake.conform import check_columns, conform_raw

NS = 1_631_416_514_717_133_001
GOOD: dict[str, pa.Array] = {
    "timestamp": pa.array([NS, NS + 1], schema.TIMESTAMP),
    "arb_id": pa.array([0x123, 0x800], pa.uint32()),
    "dlc": pa.array([2, 1], pa.uint8()),
    "data": pa.array([b"\x01\x02", b"\x03"], pa.binary()),
    "vehicle_id": pa.array(["V", "V"]),
}


def conformed(name: str, column: pa.Array) -> list[Any]:
    table = conform_raw(pa.table({**GOOD, name: column}), "here")
    assert table.schema == schema.RAW_NULLABLE
    values: list[Any] = (
        table[name].cast(pa.int64()).to_pylist() if name == "timestamp" else table[name].to_pylist()
    )
    return values


def test_absent_columns_get_their_defaults() -> None:
    row = conform_raw(pa.table(GOOD), "here").slice(1).to_pylist()[0]
    assert row["is_extended_id"] is True
    assert (row["is_fd"], row["is_error_frame"], row["is_remote_frame"], row["channel"]) == (
        False,
        False,
        False,
        "",
    )


def test_flags_of_can_fd_come_to_those_who_want_them() -> None:
    flags = {"bitrate_switch": pa.array([1, 0], pa.int8())}
    table = conform_raw(pa.table({**GOOD, **flags}), "here", wanted=schema.RAW_FD)
    assert table.schema.names == schema.RAW_FD.names
    assert table["bitrate_switch"].to_pylist() == [True, False]
    assert table["error_state_indicator"].to_pylist() == [False, False]
    # no value depends on them: what cannot be read as one matters to nobody else
    strange = pa.table({**GOOD, "bitrate_switch": pa.array(["on", "off"])})
    assert conform_raw(strange, "here").equals(conform_raw(pa.table(GOOD), "here"))
    with pytest.raises(BadRaw, match="bitrate_switch"):
        conform_raw(strange, "here", wanted=schema.RAW_FD)
    with pytest.raises(BadRaw, match="there twice"):
        check_columns([*GOOD, "bitrate_switch", "bitrate_switch"], "here", wanted=schema.RAW_FD)
    check_columns([*GOOD, "bitrate_switch", "bitrate_switch"], "here")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([NS // 1000, None], pa.timestamp("us")), [NS // 1000 * 1000, None]),
        (pa.array([NS // 10**6, 0], pa.timestamp("ms")), [NS // 10**6 * 10**6, 0]),
        (pa.array([1, -1], pa.timestamp("s")), [10**9, -(10**9)]),
        (pa.array([NS, 0], pa.timestamp("ns", "Europe/Berlin")), [NS, 0]),
        (pa.array([NS, None], pa.int64()), [NS, None]),
        (pa.array([10**17, NS], pa.uint64()), [10**17, NS]),
        (pa.array([None, None], pa.int64()), [None, None]),
    ],
)
def test_times_that_have_one_meaning(column: pa.Array, expected: list[int | None]) -> None:
    assert conformed("timestamp", column) == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.array([NS // 10**6, NS // 10**6], pa.int64()),
        pa.array([NS, 10**17 - 1], pa.int64()),
        pa.array([0, 0], pa.int64()),
        pa.array([-NS, NS], pa.int64()),
        pa.array([1.6e9, 1.7e9]),
        pa.array(["2021-09-12T03:15:14Z"] * 2),
        pa.array([253_402_300_799_000] * 2, pa.timestamp("ms")),
        pa.array([dt.date(2021, 1, 1)] * 2),
        pa.array([None, None], pa.null()),
    ],
)
def test_times_that_would_be_a_guess(column: pa.Array) -> None:
    with pytest.raises(BadRaw, match=r"here: column timestamp is .* does not convert to timestamp\[ns\]"):
        conformed("timestamp", column)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, 2], pa.uint8()), [1, 2]),
        (pa.array([-1, 0x1FFFFFFF], pa.int64()), [None, 0x1FFFFFFF]),
        (pa.array([2**32, 2**63], pa.uint64()), [None, None]),
        (pa.array([float("nan"), 291.0]), [None, 291]),
        (pa.array([0.5, float("inf")]), [None, None]),
        (pa.array([None, 7], pa.uint32()), [None, 7]),
        (pa.array([0xFFFFFFFF, 0xC0000001], pa.uint32()), [None, 0xC0000001]),
        (pa.array([0x60000000, 0x20000001], pa.uint32()), [None, 0x20000001]),
    ],
)
def test_ids(column: pa.Array, expected: list[int | None]) -> None:
    assert conformed("arb_id", column) == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"\x01\x02", b"\x03"], pa.large_binary()),
        pa.array([b"\x01\x02", b"\x03"]).dictionary_encode(),
        pa.array([[1, 2], [3]], pa.list_(pa.uint8())),
        pa.array([[1, 2], [3]], pa.large_list(pa.int64())),
    ],
)
def test_payloads(column: pa.Array) -> None:
    assert conformed("data", column) == [b"\x01\x02", b"\x03"]


def test_payloads_of_one_length() -> None:
    assert conformed("data", pa.array([b"ab", None], pa.binary(2))) == [b"ab", None]
    assert conformed("data", pa.array([[1, 2], None], pa.list_(pa.uint8(), 2))) == [b"\x01\x02", None]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("data", pa.array(["0102", "03"])),
        ("data", pa.array(["0102", "03"]).dictionary_encode()),
        ("data", pa.array([1, 2])),
        ("data", pa.array([[256], [1]])),
        ("data", pa.array([[-1], [1]])),
        ("data", pa.array([[None], [1]])),
        ("data", pa.array([["01"], ["02"]])),
        ("arb_id", pa.array(["0x123", "0x124"])),
        ("arb_id", pa.array([True, False])),
        ("dlc", pa.array(["8", "8"])),
        ("dlc", pa.array([8.0, 8.0])),
        ("dlc", pa.array([8, 256])),
        ("is_fd", pa.array(["true", "false"])),
        ("vehicle_id", pa.array([["V"], ["V"]])),
    ],
)
def test_columns_that_would_be_a_guess(name: str, column: pa.Array) -> None:
    with pytest.raises(BadRaw, match=rf"here: column {name} is .* does not convert"):
        conformed(name, column)


def test_names_and_flags_of_other_types() -> None:
    assert conformed("vehicle_id", pa.array([7, None])) == ["7", None]
    assert conformed("vehicle_id", pa.array(["V", "W"]).dictionary_encode()) == ["V", "W"]
    assert conformed("channel", pa.array(["can0", ""], pa.large_string())) == ["can0", ""]
    assert conformed("is_fd", pa.array([1, 0], pa.int8())) == [True, False]
    assert conformed("dlc", pa.array([8, None], pa.int64())) == [8, None]


def test_columns_missing_and_doubled() -> None:
    check_columns([*GOOD, "further", "further"], "here")
    with pytest.raises(
        BadRaw, match="here: columns dlc, data are missing; found: timestamp, arb_id, vehicle_id"
    ):
        check_columns(["timestamp", "arb_id", "vehicle_id"], "here")
    with pytest.raises(BadRaw, match="found: none"):
        check_columns([], "here")
    with pytest.raises(BadRaw, match="columns arb_id are there twice"):
        check_columns([*GOOD, "arb_id"], "here")


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_batches_hold_every_row_once(size: int) -> None:
    table = pa.table({name: pa.concat_arrays([column] * 10) for name, column in GOOD.items()})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=6)
    batches = list(parquet.read_raw_batches(sink.getvalue(), "here", size))
    assert all(batch.num_rows <= size for batch in batches)
    assert pa.concat_tables(batches).equals(conform_raw(table, "here"))
    assert parquet.read_raw(sink.getvalue(), "here").equals(conform_raw(table, "here"))


def test_no_rows_are_one_batch() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table(GOOD).slice(0, 0), sink)
    (batch,) = parquet.read_raw_batches(sink.getvalue(), "here")
    assert batch.num_rows == 0
    assert batch.schema == schema.RAW_NULLABLE
