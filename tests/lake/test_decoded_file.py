"""Decoded objects: row groups cut where signals end, equal times written once, the rows what any reader sees."""

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import (
    ROW_GROUP_MAX,
    ROW_GROUP_MIN,
    SIGNAL_ALONE_MIN,
    row_group_sizes,
    write_decoded,
    write_decoded_groups,
)
from telemetry_pipeline.lake.row_group import RowGroup, Texts

BASE = 1_767_225_600_000_000_000


def groups_of(runs: list[int]) -> list[list[int]]:
    """Which signals each row group holds, by their numbers."""
    owners = np.repeat(np.arange(len(runs)), runs)
    sizes = row_group_sizes(runs)
    assert sum(sizes) == len(owners)
    return [np.unique(part).tolist() for part in np.split(owners, np.cumsum(sizes)[:-1])]


run = st.one_of(st.integers(0, 300), st.integers(0, 2 * SIGNAL_ALONE_MIN), st.integers(0, 3_000_000))


@given(st.lists(run, min_size=1, max_size=40).filter(any))
def test_row_groups_hold_every_row_within_the_limits(runs):
    assert all(0 < size <= ROW_GROUP_MAX for size in row_group_sizes(runs))
    groups = groups_of(runs)
    for number, group in enumerate(groups):
        if any(runs[signal] >= SIGNAL_ALONE_MIN for signal in group):
            assert len(group) == 1
        elif number + 1 < len(groups) and runs[groups[number + 1][0]] < SIGNAL_ALONE_MIN:
            assert sum(runs[signal] for signal in group) >= ROW_GROUP_MIN
    for signal, rows in enumerate(runs):
        assert sum(signal in group for group in groups) == -(-rows // ROW_GROUP_MAX)


def table_of(signals: list[tuple[int, int, int]]) -> pa.Table:
    """A table of signals, each with the number of its message, of its rows, and of channels among them."""
    columns: dict[str, list[object]] = {name: [] for name in schema.DECODED.names}
    for number, (message, rows, channels) in enumerate(signals):
        random = np.random.default_rng(message)
        columns["timestamp"] += (BASE + np.cumsum(random.integers(0, 10**7, rows))).tolist()
        columns["value"] += np.random.default_rng(number).normal(size=rows).tolist()
        columns["vehicle_id"] += ["V1"] * rows
        columns["message_name"] += [f"M{message}"] * rows
        columns["signal_name"] += [f"S{number:03}"] * rows
        columns["unit"] += ["km/h" if number % 3 else "°C"] * rows
        columns["channel"] += [f"can{row % channels}" for row in range(rows)]
    return pa.table(
        [pa.array(columns[name], schema.DECODED.field(name).type) for name in columns], schema.DECODED
    )


signal = st.tuples(
    st.integers(0, 3), st.sampled_from([1, 2, 50, 700, SIGNAL_ALONE_MIN, 9000]), st.integers(1, 3)
)


@settings(max_examples=25)
@given(st.lists(signal, min_size=1, max_size=8))
@example([(1, SIGNAL_ALONE_MIN, 1)] * 4 + [(1, 5, 1), (2, SIGNAL_ALONE_MIN, 2)])
def test_every_reader_sees_every_row(tmp_path_factory, signals):
    table = table_of(signals)
    path = tmp_path_factory.mktemp("decoded") / "x.parquet"
    path.write_bytes(write_decoded(table, [rows for _, rows, _ in signals], {"origin": "test"}))
    plain = table.set_column(0, "timestamp", table["timestamp"].cast(pa.int64())).to_pydict()
    duck = duckdb.sql(f"select * replace (epoch_ns(timestamp) as timestamp) from '{path}'").to_arrow_table()
    polars = pl.read_parquet(path).with_columns(pl.col("timestamp").cast(pl.Int64)).to_dict(as_series=False)
    arrow = pq.read_table(path)
    assert arrow.schema.remove_metadata() == schema.SERIES
    arrow = arrow.set_column(0, "timestamp", arrow["timestamp"].cast(pa.int64()))
    assert plain == arrow.to_pydict() == duck.to_pydict() == polars


def test_signals_of_a_message_share_the_pages_of_their_times():
    rows = SIGNAL_ALONE_MIN
    body = write_decoded(table_of([(1, rows, 1)] * 3 + [(2, rows, 1)]), [rows] * 4, {})
    metadata = pq.ParquetFile(pa.BufferReader(body)).metadata
    places = [metadata.row_group(number).column(0).data_page_offset for number in range(4)]
    assert metadata.num_row_groups == 4
    assert places[0] == places[1] == places[2] != places[3]


def test_a_filter_on_a_signal_reads_its_row_groups_only():
    rows = SIGNAL_ALONE_MIN
    body = write_decoded(table_of([(1, rows, 1)] * 3), [rows] * 3, {})
    metadata = pq.ParquetFile(pa.BufferReader(body)).metadata
    column = metadata.schema.names.index("signal_name")
    named = [metadata.row_group(number).column(column).statistics for number in range(3)]
    assert [(found.min, found.max) for found in named] == [(name, name) for name in ("S000", "S001", "S002")]


def test_times_that_signals_repeat_are_written_as_they_are():
    shared = pq.ParquetFile(pa.BufferReader(write_decoded(table_of([(1, 700, 1)] * 20), [700] * 20, {})))
    apart = write_decoded(table_of([(number, 700, 1) for number in range(3)]), [700] * 3, {})
    lonely = pq.ParquetFile(pa.BufferReader(apart))
    times = shared.metadata.row_group(0).column(0)
    assert set(times.encodings) == {"PLAIN", "RLE"}
    assert times.total_compressed_size < 700 * 12  # of 20 signals
    assert "DELTA_BINARY_PACKED" in lonely.metadata.row_group(0).column(0).encodings


@settings(max_examples=40)
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=300),
    st.sampled_from([1, 7, 3000]),
)
def test_any_times_are_read_as_they_were_written(times, repeated):
    piece = np.array(times, np.int64)
    names = {"vehicle_id": "V", "message_name": "M", "unit": "", "channel": "can0"}
    rows = len(piece) * repeated
    texts = {name: Texts.same(text, rows) for name, text in names.items()}
    counts = np.full(repeated, len(piece))
    texts["signal_name"] = Texts([f"S{number:04}" for number in range(repeated)], np.arange(repeated), counts)
    group = RowGroup([piece] * repeated, np.zeros(rows), texts)
    file = pq.ParquetFile(pa.BufferReader(write_decoded_groups([group], dict)))
    found = file.read(["timestamp"])["timestamp"].cast(pa.int64()).to_numpy()
    assert np.array_equal(found, np.tile(piece, repeated))
    said = file.metadata.row_group(0).column(0)
    if said.is_stats_set and repeated > 1:
        assert said.statistics.min_raw == piece.min()
        assert said.statistics.max_raw == piece.max()
    assert group.table.equals(RowGroup.of(group.table).table)
