"""A stream of frames is cut into the same windows, however it comes, and each has a key of its own."""

import datetime as dt
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.windows import WindowNames, split_windows, stamps_of

SECOND = 1_000_000_000
NOON = int(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()) * SECOND


def frames(stamps):
    rows = len(stamps)
    return pa.table(
        [
            pa.array(stamps, pa.int64()).cast(pa.timestamp("ns")),
            pa.array(range(rows), pa.uint32()),
            pa.array([1] * rows, pa.uint8()),
            pa.array([b"\x01"] * rows, pa.binary()),
            pa.array(["V"] * rows),
            *[pa.array([False] * rows)] * 4,
            pa.array(["can0"] * rows),
        ],
        schema=schema.RAW,
    )


def split(tables, window_ns=60 * SECOND, **limits):
    return [
        (raw, stamps_of(table).tolist()) for raw, table in split_windows(tables, window_ns, "V", **limits)
    ]


def test_a_window_begins_at_its_first_frame_and_ends_after_its_length():
    stamps = [NOON, NOON + 59 * SECOND, NOON + 60 * SECOND - 1, NOON + 60 * SECOND, NOON + 300 * SECOND]
    windows = split([frames(stamps)])
    assert [rows for _, rows in windows] == [stamps[:3], stamps[3:4], stamps[4:]]
    assert [raw.stem for raw, _ in windows] == [
        "20261122T120000.000Z",
        "20261122T120100.000Z",
        "20261122T120500.000Z",
    ]


def test_a_window_ends_at_midnight():
    midnight = NOON + DAY_NS // 2
    windows = split([frames([midnight - 2, midnight - 1, midnight, midnight + 1])])
    assert [rows for _, rows in windows] == [[midnight - 2, midnight - 1], [midnight, midnight + 1]]
    assert [raw.partition.date.isoformat() for raw, _ in windows] == ["2026-11-22", "2026-11-23"]


def test_windows_of_the_same_millisecond_have_keys_of_their_own():
    stamps = [NOON + n for n in range(5)]
    windows = split([frames(stamps)], max_rows=2)
    assert [len(rows) for _, rows in windows] == [2, 2, 1]
    assert [raw.stem for raw, _ in windows] == [
        "20261122T120000.000Z",
        "20261122T120000.000Z-1",
        "20261122T120000.000Z-2",
    ]
    for raw, _ in windows:
        assert RawObject.parse(raw.key) == raw


def test_nothing_gives_no_window():
    assert split([]) == []
    assert split([frames([])]) == []


def test_a_vehicle_id_that_is_none_is_refused():
    with pytest.raises(BadKey):
        list(split_windows([frames([NOON])], SECOND, "../V"))


def test_names_after_a_clock_that_was_set_back_do_not_repeat():
    names = WindowNames("V")
    given_names = [names.starting(ns).key for ns in (NOON, NOON + SECOND, NOON, NOON + 1)]
    assert len(set(given_names)) == 4


@given(
    gaps=st.lists(st.integers(0, 40 * SECOND), max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
    max_rows=st.integers(1, 20),
    start=st.sampled_from([NOON, NOON + DAY_NS // 2 - 100 * SECOND]),
)
def test_however_the_stream_is_cut_the_windows_are_the_same(gaps, cuts, max_rows, start):
    stamps = (start + np.cumsum([0, *gaps])).tolist()
    edges = sorted({0, len(stamps), *[min(cut, len(stamps)) for cut in cuts]})
    pieces = [frames(stamps[low:high]) for low, high in itertools.pairwise(edges)]
    windows = split(pieces, max_rows=max_rows)
    assert windows == split([frames(stamps)], max_rows=max_rows)
    assert [stamp for _, rows in windows for stamp in rows] == stamps
    assert len({raw.key for raw, _ in windows}) == len(windows)
    for raw, rows in windows:
        assert len(rows) <= max_rows
        assert rows[-1] - rows[0] < 60 * SECOND
        assert raw.partition.start_ns <= rows[0] <= rows[-1] < raw.partition.end_ns
