"""One object as bytes: the same every time, pruned by its row groups, and refused with a reason when it is broken."""

import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import decoded_file, parquet, schema
from tests.raw_lake import NOON, frames


def decoded(signals: dict[str, int]) -> pa.Table:
    """Rows of a few signals, in order."""
    names = [name for name, rows in sorted(signals.items()) for _ in range(rows)]
    count = len(names)
    return pa.table(
        {
            "timestamp": pa.array(range(count), pa.timestamp("ns")),
            "vehicle_id": ["V"] * count,
            "message_name": ["M"] * count,
            "signal_name": names,
            "value": [float(number) for number in range(count)],
            "unit": [""] * count,
            "channel": [""] * count,
        }
    ).cast(schema.DECODED)


def test_frames_come_back_as_they_went() -> None:
    table = frames("V", NOON, 100)
    back = parquet.read_raw(parquet.write_raw(table), "key")
    assert back.equals(table.cast(back.schema))


def test_the_same_rows_are_the_same_bytes() -> None:
    table = decoded({"a": 10, "b": 5})
    one = decoded_file.write_decoded(table, [10, 5], {"raw_key": "k"})
    assert one == decoded_file.write_decoded(decoded({"b": 5, "a": 10}), [10, 5], {"raw_key": "k"})


def test_the_footer_carries_our_entries_and_no_arrow_schema() -> None:
    file = parquet.open_object(
        decoded_file.write_decoded(decoded({"a": 1}), [1], {"raw_key": "k", "report": "{}"}), "key"
    )
    assert parquet.read_footer(file) == {"raw_key": "k", "report": "{}"}
    assert b"ARROW:schema" not in (file.metadata.metadata or {})


def test_an_object_without_rows_is_an_object() -> None:
    body = decoded_file.write_decoded(decoded({}), [], {"raw_key": "k"})
    file = parquet.open_object(body, "key")
    assert file.metadata.num_rows == 0
    assert parquet.read_footer(file) == {"raw_key": "k"}
    assert pl.read_parquet(body).height == 0


def test_columns_are_required_and_statistics_are_where_readers_prune() -> None:
    file = parquet.open_object(decoded_file.write_decoded(decoded({"a": 3, "b": 3}), [3, 3], {}), "key")
    group = file.metadata.row_group(0)
    with_statistics = {
        group.column(index).path_in_schema
        for index in range(group.num_columns)
        if group.column(index).is_stats_set
    }
    assert with_statistics == set(schema.DECODED.names) - {"value"}
    assert all(file.schema.column(index).max_definition_level == 0 for index in range(7))


def parquet_of(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


SEED = {
    "timestamp": pa.array([NOON, NOON + 1, NOON + 2], pa.timestamp("ns")),
    "arb_id": pa.array([0x2B0, 0x7FF, 0x800], pa.uint32()),
    "dlc": pa.array([8, 8, 8], pa.uint8()),
    "data": pa.array([b"12345678"] * 3, pa.binary()),
    "vehicle_id": ["V"] * 3,
}


def test_absent_columns_get_their_defaults() -> None:
    table = parquet.read_raw(parquet_of(**SEED), "key")
    assert table.schema.names == schema.RAW.names
    assert table["is_extended_id"].to_pylist() == [False, False, True]
    assert table["is_error_frame"].to_pylist() == [False] * 3
    assert table["channel"].to_pylist() == [""] * 3


@pytest.mark.parametrize("name", schema.RAW_REQUIRED.names)
def test_a_missing_column_is_named(name: str) -> None:
    rest = {column: values for column, values in SEED.items() if column != name}
    with pytest.raises(BadRaw, match=rf"raw/x: .*{name}"):
        parquet.read_raw(parquet_of(**rest), "raw/x")


@pytest.mark.parametrize("body", [b"", b"PAR1", b"x" * 1000, b"PAR1" + b"\xff" * 64 + b"PAR1"])
def test_what_is_no_parquet_is_refused_in_one_line(body: bytes) -> None:
    with pytest.raises(BadRaw, match="raw/x: not a readable Parquet file") as error:
        parquet.read_raw(body, "raw/x")
    assert "\n" not in str(error.value)


def test_damaged_pages_are_refused_or_read_never_a_crash() -> None:
    body = bytearray(parquet.write_raw(frames("V", NOON, 5000)))
    for position in range(10, len(body) - 600, 997):
        damaged = bytes(body[:position]) + bytes([body[position] ^ 0xFF]) + bytes(body[position + 1 :])
        try:
            table = parquet.read_raw(damaged, "key")
        except BadRaw:
            continue
        assert table.num_rows == 5000


def test_every_column_is_compressed() -> None:
    for body in (
        parquet.write_raw(frames("V", NOON, 1000)),
        decoded_file.write_decoded(decoded({"a": 900, "b": 100}), [900, 100], {}),
    ):
        group = parquet.open_object(body, "key").metadata.row_group(0)
        codecs = {group.column(index).compression for index in range(group.num_columns)}
        assert codecs == {"ZSTD"}


@pytest.mark.parametrize(("step", "is_coded"), [(1, False), (2, False), (3, True), (1000, True)])
def test_payloads_have_a_dictionary_where_they_are_alike(step: int, is_coded: bool) -> None:
    rows = 20_000
    payloads = [(nth // step).to_bytes(8, "little") for nth in range(rows)]
    table = frames("V", NOON, rows).set_column(3, schema.RAW.field("data"), pa.array(payloads))
    body = parquet.write_raw(table)
    column = parquet.open_object(body, "x").metadata.row_group(0).column(3)
    assert (column.dictionary_page_offset is not None) is is_coded
    assert parquet.read_raw(body, "x")["data"].to_pylist() == payloads
