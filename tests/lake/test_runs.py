"""Text columns written from their runs are what any reader takes for text."""

import io

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.lake.chunks import Assembly, Chunk
from telemetry_pipeline.lake.runs import constant, text_runs

COLUMNS = pa.schema([pa.field("name", pa.string(), nullable=False)])


def written(*groups: tuple[int, Chunk]) -> bytes:
    sink = io.BytesIO()
    out = Assembly(sink, COLUMNS)
    for rows, chunk in groups:
        out.add_group(rows, [out.place(chunk)])
    out.close({})
    return sink.getvalue()


@pytest.mark.parametrize("rows", [1, 63, 64, 8191, 8192, 1_048_576])
def test_a_constant_column_says_the_same_in_every_row(rows):
    column = pq.read_table(pa.BufferReader(written((rows, constant("name", "Ärger", rows)))))["name"]
    assert (len(column), column.unique().to_pylist()) == (rows, ["Ärger"])


runs = st.lists(st.tuples(st.integers(0, 700), st.sampled_from([1, 2, 7, 8, 63, 64, 130, 8192])), min_size=1)


@settings(max_examples=60)
@given(st.lists(runs, min_size=1, max_size=3), st.integers(1, 700))
@example([[(number, 1) for number in range(700)]], 700)
@example([[(0, 1 << 21)]], 1)
def test_every_reader_sees_every_text(tmp_path_factory, groups, distinct):
    texts = [f"°{number}" * (1 + number % 5) for number in range(distinct)]
    expected: list[str] = []
    found = []
    for group in groups:
        codes = np.array([code % distinct for code, _ in group])
        counts = np.array([count for _, count in group])
        found.append((int(counts.sum()), text_runs("name", texts, codes, counts)))
        expected += np.repeat(np.array(texts, object)[codes], counts).tolist()
    path = tmp_path_factory.mktemp("runs") / "x.parquet"
    path.write_bytes(written(*found))
    assert pq.read_table(path)["name"].to_pylist() == expected
    assert pl.read_parquet(path)["name"].to_list() == expected
    assert duckdb.sql(f"select name from '{path}'").to_arrow_table()["name"].to_pylist() == expected


def test_statistics_name_the_smallest_and_the_largest_text():
    chunk = text_runs("name", ["b", "ä", "a"], np.array([0, 1, 2]), np.array([3, 1, 1]))
    statistics = (
        pq.ParquetFile(pa.BufferReader(written((5, chunk)))).metadata.row_group(0).column(0).statistics
    )
    assert (statistics.min, statistics.max, statistics.null_count) == ("a", "ä", 0)
