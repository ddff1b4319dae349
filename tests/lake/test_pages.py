"""Stretches of a column of numbers are what Arrow reads of them, and only pages that hold some are decompressed."""

import io
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.lake import thrift
from telemetry_pipeline.lake.pages import PlainChunk, read_plain


def written(values: np.ndarray, *, nullable: bool = False, **options) -> bytes:
    schema = pa.schema([pa.field("value", pa.float64(), nullable=nullable)])
    sink = io.BytesIO()
    chosen = {"compression": "zstd", "use_dictionary": False, "max_rows_per_page": 100} | options
    pq.write_table(pa.table([pa.array(values)], schema=schema), sink, **chosen)
    return sink.getvalue()


def chunk_of(body: bytes) -> PlainChunk | None:
    return PlainChunk.of(pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0), 0)


@settings(max_examples=60)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=700),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 700)), min_size=1, max_size=4),
)
def test_any_stretches_are_what_was_written(values, drawn):
    whole = np.array(values)
    body = written(whole)
    chunk = chunk_of(body)
    assert chunk is not None
    wanted = [tuple(sorted((min(a, len(whole)), min(b, len(whole))))) for a, b in drawn]
    found = read_plain(body[chunk.begin : chunk.begin + chunk.size], chunk.rows, wanted)
    assert found is not None
    for (first, stop), part in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(part, whole[first:stop])


def test_pages_without_a_wanted_row_are_not_decompressed():
    whole = np.arange(1000.0)
    body = bytearray(written(whole))
    chunk = chunk_of(bytes(body))
    data = body[chunk.begin : chunk.begin + chunk.size]
    data[-40:] = bytes(40)  # the end of the last page
    (part,) = read_plain(bytes(data), chunk.rows, [(250, 420)])
    np.testing.assert_array_equal(part, whole[250:420])
    with pytest.raises(OSError, match="ZSTD"):
        read_plain(bytes(data), chunk.rows, [(950, 960)])


def test_what_is_packed_in_another_way_is_left_to_arrow():
    values = np.arange(50.0)
    assert chunk_of(written(values, compression="snappy")) is None
    assert chunk_of(written(values, use_dictionary=True)) is None
    encoding = {"column_encoding": {"value": "BYTE_STREAM_SPLIT"}}
    assert chunk_of(written(values, **encoding)) is None
    for other in (written(values, nullable=True), written(values, data_page_version="2.0")):
        chunk = chunk_of(other)
        assert read_plain(other[chunk.begin : chunk.begin + chunk.size], chunk.rows, [(0, 50)]) is None


def test_a_page_that_leads_back_to_itself_is_left_to_arrow():
    body = written(np.arange(1000.0))
    chunk = chunk_of(body)
    data = body[chunk.begin : chunk.begin + chunk.size]
    _, length = thrift.read_struct(data, 0)
    back = 2 * length - 1  # the zigzag of its length, below zero
    sizes, values = re.compile(rb"^\x15\x00\x15..\x15..", re.DOTALL), b"\x15\xc8\x01\x15\x00"
    assert sizes.match(data)
    assert values in data[:length]
    endless = b"\x15\x00\x15\x80\x00\x15" + bytes([back & 0x7F | 0x80, back >> 7])
    crafted = sizes.sub(lambda _: endless, data)
    crafted = crafted.replace(values, b"\x15\x80\x00\x15\x00", 1)
    header, _ = thrift.read_struct(crafted, 0)
    assert (header[2], header[3], header[5][1]) == (0, -length, 0)
    assert read_plain(crafted, chunk.rows, [(900, 920)]) is None


def test_a_chunk_that_ends_too_early_is_an_error():
    body = written(np.arange(1000.0))
    chunk = chunk_of(body)
    half = body[chunk.begin : chunk.begin + chunk.size // 2]
    with pytest.raises((OSError, IndexError, ValueError)):
        read_plain(half, chunk.rows, [(0, 1000)])
