"""Objects put together from chunks are what any reader takes for Parquet."""

import io

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.lake import schema, thrift
from telemetry_pipeline.lake.series_file import GROUP_ROWS, Labels, SeriesWriter, SignalRows

ONE = Labels(("",))


def written(signals: list[SignalRows]) -> bytes:
    sink = io.BytesIO()
    writer = SeriesWriter(sink, "V1")
    for rows in signals:
        writer.add(rows)
    assert writer.close({"origin": "test"}) == len(sink.getvalue())
    return sink.getvalue()


def rows_of(name: str, t: list[int], v: list[float], unit: Labels = ONE, channel: Labels = ONE) -> SignalRows:
    return SignalRows(("M", name), np.array(t, np.int64), np.array(v, np.float64), unit, channel)


def test_a_footer_that_is_read_and_written_stays_the_same_bytes():
    sink = io.BytesIO()
    table = pa.table({"a": [1, None], "b": ["x", "y"], "c": [True, False], "d": [[1.5], []]})
    pq.write_table(table, sink, write_page_index=True)
    body = sink.getvalue()
    size = int.from_bytes(body[-8:-4], "little")
    footer, at = thrift.read_struct(body[-8 - size : -8])
    assert at == size
    assert thrift.write_struct(footer) == body[-8 - size : -8]


integers = st.integers(-(2**63), 2**63 - 1)
fields = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from([thrift.I16, thrift.I32, thrift.I64]), integers),
        st.tuples(st.just(thrift.BINARY), st.binary(max_size=300)),
        st.tuples(st.just(thrift.DOUBLE), st.binary(min_size=8, max_size=8)),
        st.tuples(st.just(thrift.I8), st.integers(0, 255)),
        st.booleans().map(lambda value: (thrift.TRUE if value else thrift.FALSE, value)),
        st.lists(integers, max_size=20).map(lambda found: (thrift.LIST, thrift.Items(thrift.I64, found))),
    ),
    lambda inner: st.dictionaries(st.integers(1, 200), inner, max_size=5).map(
        lambda found: (thrift.STRUCT, thrift.Struct(found))
    ),
)


@given(st.dictionaries(st.integers(1, 2000), fields, max_size=8))
def test_any_struct_is_read_as_it_was_written(found):
    struct = thrift.Struct(found)
    body = thrift.write_struct(struct)
    again, at = thrift.read_struct(body)
    assert at == len(body)
    assert again == thrift.Struct(dict(sorted(found.items())))


signals = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(1, 300), st.sampled_from(["", "km/h", "°C", "x" * 300]), st.booleans()
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40)
@given(signals)
def test_every_reader_sees_every_row(tmp_path_factory, drawn):
    random = np.random.default_rng(len(drawn))
    times = [np.cumsum(random.integers(0, 10**9, 300)) + 1_767_225_600_000_000_000 for _ in range(3)]
    found = []
    for number, (which, rows, unit, mixed) in enumerate(drawn):
        codes = random.integers(0, 2, rows).astype(np.int16) if mixed else None
        channel = Labels(("can0", "can1"), codes) if mixed else Labels(("can0",))
        v = random.normal(size=rows)
        v[random.random(rows) < 0.1] = np.nan
        found.append(SignalRows(("M", f"S{number}"), times[which][:rows], v, Labels((unit,)), channel))
    body = written(found)
    expected = {
        "timestamp": np.concatenate([rows.t for rows in found]),
        "vehicle_id": ["V1"] * sum(len(rows.t) for rows in found),
        "message_name": ["M"] * sum(len(rows.t) for rows in found),
        "signal_name": [rows.name[1] for rows in found for _ in rows.t],
        "value": np.concatenate([rows.v for rows in found]),
        "unit": [rows.unit.names[0] for rows in found for _ in rows.t],
        "channel": [
            rows.channel.names[0 if rows.channel.codes is None else rows.channel.codes[at]]
            for rows in found
            for at in range(len(rows.t))
        ],
    }
    arrow = pq.read_table(pa.BufferReader(body))
    assert arrow.schema.remove_metadata() == schema.SERIES
    path = tmp_path_factory.mktemp("series") / "x.parquet"
    path.write_bytes(body)
    duck = duckdb.sql(f"select * replace (epoch_ns(timestamp) as timestamp) from '{path}'").to_arrow_table()
    polars = pl.read_parquet(path).with_columns(pl.col("timestamp").cast(pl.Int64)).to_arrow()
    arrow = arrow.set_column(0, "timestamp", arrow["timestamp"].cast(pa.int64()))
    for table in (arrow, duck, polars):
        assert table.column_names == list(expected)
        for name, wanted in expected.items():
            if isinstance(wanted, list):
                assert table[name].to_pylist() == wanted
            else:
                np.testing.assert_array_equal(table[name].to_numpy(), wanted)


def test_signals_with_equal_times_share_the_pages_of_their_times():
    t = np.cumsum(np.random.default_rng(0).integers(0, 10**6, GROUP_ROWS)).tolist()
    body = written([rows_of(name, t, [1.0] * len(t)) for name in ("A", "B", "C")])
    alone = written([rows_of("A", t, [1.0] * len(t))])
    assert len(body) < 1.2 * len(alone)
    meta = pq.ParquetFile(pa.BufferReader(body)).metadata
    places = {meta.row_group(group).column(0).data_page_offset for group in range(meta.num_row_groups)}
    assert (meta.num_row_groups, len(places)) == (3, 1)


def test_a_signal_of_many_rows_has_several_row_groups_with_statistics():
    t = list(range(2 * GROUP_ROWS + 5))
    file = pq.ParquetFile(pa.BufferReader(written([rows_of("A", t, [float(at) for at in t])])))
    groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [GROUP_ROWS, GROUP_ROWS, 5]
    assert [group.column(0).statistics.min_raw for group in groups] == [0, GROUP_ROWS, 2 * GROUP_ROWS]
    assert {group.column(3).statistics.min for group in groups} == {"A"}
    assert groups[1].column(4).statistics.max == 2 * GROUP_ROWS - 1


def test_an_object_without_rows_is_an_empty_table():
    assert pq.read_table(pa.BufferReader(written([]))).num_rows == 0
