"""Every row of a range leaves once, in order of time, with what its decoded object says of it."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadKey, BadRaw, TooLarge
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import row_export
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.row_export import RowExport
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded

S = 1_000_000_000
V = "VIN1"
DAY = Partition(V, dt.date(2026, 2, 12))
SPEED, LEVEL, GEAR = ("Drive", "Speed"), ("Battery", "Level"), ("Drive", "Gear")
ALL = [SPEED, LEVEL, GEAR]
ORDER = ["timestamp", "message_name", "signal_name"]
WHOLE = (DAY.start_ns - 10 * DAY_NS, DAY.start_ns + 10 * DAY_NS)


def export(store, wanted=ALL, span=WHOLE):
    asked = RowExport(store, ObjectReader(store, 2), V, list(wanted), *span)
    days = list(asked.prepare())
    tables = list(asked.tables())
    assert all(table.schema.equals(schema.DECODED) for table in tables)
    assert asked.rows == sum(table.num_rows for table in tables)
    return asked, days, frame_of(tables)


def frame_of(tables):
    text = pl.selectors.categorical().cast(pl.String)
    return pl.concat([pl.from_arrow(table).with_columns(text) for table in tables]) if tables else None


def decoded_rows(store, wanted=ALL, span=WHOLE):
    """The rows of all decoded objects, straight from Parquet."""
    parts = [
        pl.read_parquet(store.get(info.key)).with_columns(pl.selectors.categorical().cast(pl.String))
        for info in store.list_objects(layout.vehicle_prefix(layout.DECODED, V))
    ]
    names = pl.struct("message_name", "signal_name").is_in(
        [{"message_name": message, "signal_name": signal} for message, signal in wanted]
    )
    low, high = (pl.lit(ns).cast(pl.Datetime("ns")) for ns in span)
    return pl.concat(parts).filter(names & (pl.col("timestamp") >= low) & (pl.col("timestamp") < high))


def assert_same_rows(found, expected):
    columns = list(schema.DECODED.names)
    assert found["timestamp"].is_sorted()
    assert found.select(ORDER).sort(ORDER).equals(found.select(ORDER))
    assert found.select(columns).sort(columns).equals(expected.select(columns).sort(columns))


def fill(store, day=DAY, rows=300, parts=3):
    """Signals of different paces in several objects that overlap."""
    random = np.random.default_rng(7)
    for part in range(parts):
        start = day.start_ns + part * 5 * S
        signals = {}
        for number, name in enumerate(ALL):
            t = np.sort(start + random.integers(0, 9 * S, rows // (number + 1)))
            signals[name] = (t.tolist(), random.normal(size=len(t)).tolist())
        put_decoded(store, day, f"20260212T0000{part:02d}.000Z", signals)


@pytest.mark.parametrize("compacted", [False, True])
@pytest.mark.parametrize("table_rows", [1, 64, 10**6])
def test_rows_of_objects_that_overlap(folder_lake, monkeypatch, compacted, table_rows):
    monkeypatch.setattr(row_export, "TABLE_ROWS", table_rows)
    fill(folder_lake)
    fill(folder_lake, DAY.shifted(1))
    if compacted:
        compact_day(folder_lake, DAY)
    asked, days, found = export(folder_lake)
    assert_same_rows(found, decoded_rows(folder_lake))
    assert days == [DAY, DAY.shifted(1)]
    assert not asked.skipped


def test_rows_over_any_store(any_lake):
    fill(any_lake)
    compact_day(any_lake, DAY)
    put_decoded(any_lake, DAY, "20260212T000030.000Z", {SPEED: ([DAY.start_ns + 3 * S], [1.0])})
    _, _, found = export(any_lake)
    assert_same_rows(found, decoded_rows(any_lake))


def test_a_range_is_half_open_and_only_the_wanted_signals_come(folder_lake):
    fill(folder_lake)
    times = decoded_rows(folder_lake, [SPEED])["timestamp"].sort().cast(pl.Int64).to_list()
    span = (times[10], times[-10])
    _, _, found = export(folder_lake, [SPEED], span)
    assert_same_rows(found, decoded_rows(folder_lake, [SPEED], span))
    assert found["timestamp"].cast(pl.Int64).min() == times[10]
    assert found["timestamp"].cast(pl.Int64).max() < times[-10]


def test_row_groups_that_were_cut_are_joined(folder_lake, monkeypatch):
    monkeypatch.setattr("telemetry_pipeline.lake.series_file.GROUP_ROWS", 50)
    monkeypatch.setattr(row_export, "TABLE_ROWS", 40)
    fill(folder_lake)
    compact_day(folder_lake, DAY)
    _, _, found = export(folder_lake)
    assert_same_rows(found, decoded_rows(folder_lake))


def test_rows_of_a_wrong_clock_come_where_their_time_is(folder_lake):
    fill(folder_lake)
    fill(folder_lake, DAY.shifted(3))
    stray = [DAY.start_ns + 5 * S, DAY.start_ns + 3 * DAY_NS + S]
    put_decoded(
        folder_lake, DAY.shifted(2), "a", {LEVEL: ([*stray, DAY.shifted(2).start_ns], [1.0, 2.0, 3.0])}
    )
    _, days, found = export(folder_lake)
    assert len(days) == 3
    assert_same_rows(found, decoded_rows(folder_lake))


def test_rows_of_a_wrong_clock_come_where_their_day_has_no_objects(folder_lake):
    strays = [DAY.start_ns + 5 * S, DAY.shifted(1).start_ns + S]
    put_decoded(
        folder_lake, DAY.shifted(2), "a", {LEVEL: ([*strays, DAY.shifted(2).start_ns], [1.0, 2.0, 3.0])}
    )
    _, days, found = export(folder_lake)
    assert days == [DAY.shifted(2)]
    assert_same_rows(found, decoded_rows(folder_lake))


def test_too_many_rows_of_wrong_clocks_are_refused(folder_lake, monkeypatch):
    monkeypatch.setattr(row_export, "STRAYS_MAX", 1)
    put_decoded(folder_lake, DAY, "a", {LEVEL: ([DAY.end_ns, DAY.end_ns + 1], [1.0, 2.0])})
    with pytest.raises(TooLarge, match="other days"):
        export(folder_lake)


def test_strangers_objects_are_exported_as_well(folder_lake):
    table = pl.DataFrame(
        {
            "timestamp": pl.Series([DAY.start_ns + ns for ns in (5, 1, 3, 2)]).cast(pl.Datetime("ns")),
            "message_name": ["Drive"] * 4,
            "signal_name": ["Speed", "Gear", "Speed", "Gear"],
            "value": [1.0, 2.0, float("nan"), 4.0],
            "unit": ["km/h", None, "km/h", None],
        }
    )
    with (folder_lake.root / "x.parquet").open("wb") as file:
        table.write_parquet(file)
    folder_lake.put(DecodedObject(DAY, "stranger").key, (folder_lake.root / "x.parquet").read_bytes())
    _, _, found = export(folder_lake)
    assert [int(ns) - DAY.start_ns for ns in found["timestamp"].cast(pl.Int64)] == [1, 2, 3, 5]
    assert found["signal_name"].to_list() == ["Gear", "Gear", "Speed", "Speed"]
    assert found["unit"].to_list() == ["", "", "km/h", "km/h"]
    assert found["channel"].to_list() == [""] * 4


def test_a_broken_object_is_known_before_the_first_row(folder_lake):
    fill(folder_lake)
    whole = decoded_rows(folder_lake)
    folder_lake.put(DecodedObject(DAY, "broken").key, b"not Parquet")
    asked, _, found = export(folder_lake)
    assert [info.key for info in asked.skipped] == [DecodedObject(DAY, "broken").key]
    assert_same_rows(found, whole)


@pytest.mark.parametrize("garbage", [bytes(1900), b"\xff" * 1900])
def test_broken_pages_end_an_export_with_an_error(folder_lake, garbage):
    fill(folder_lake)
    key = DecodedObject(DAY, "20260212T000001.000Z").key
    body = bytearray(folder_lake.get(key))
    body[100:2000] = garbage
    folder_lake.put(key, bytes(body))
    asked = RowExport(folder_lake, ObjectReader(folder_lake, 2), V, ALL, *WHOLE)
    list(asked.prepare())
    with pytest.raises(BadRaw, match="cannot be read"):
        list(asked.tables())


def test_a_day_that_is_compacted_meanwhile_is_exported_once(folder_lake, monkeypatch):
    monkeypatch.setattr(row_export, "TABLE_ROWS", 50)
    fill(folder_lake)
    compact_day(folder_lake, DAY)
    expected = decoded_rows(folder_lake)
    asked = RowExport(folder_lake, ObjectReader(folder_lake, 2), V, ALL, *WHOLE)
    list(asked.prepare())
    tables = []
    for number, table in enumerate(asked.tables()):
        tables.append(table)
        if number == 2:  # a late object, and the day is made anew
            late = {GEAR: ([DAY.start_ns + 1], [9.0])}
            put_decoded(folder_lake, DAY, "20260212T000040.000Z", late)
            compact_day(folder_lake, DAY)
    assert_same_rows(frame_of(tables), expected)


def test_an_object_that_is_decoded_again_meanwhile_is_exported_once(folder_lake, monkeypatch):
    monkeypatch.setattr(row_export, "TABLE_ROWS", 10)
    fill(folder_lake)
    asked = RowExport(folder_lake, ObjectReader(folder_lake, 2), V, ALL, *WHOLE)
    list(asked.prepare())
    tables = asked.tables()
    first = next(tables)
    again = {GEAR: ([DAY.start_ns + 11 * S], [7.0])}
    put_decoded(folder_lake, DAY, "20260212T000002.000Z", again)
    found = frame_of([first, *tables])
    assert_same_rows(found, decoded_rows(folder_lake))


def test_an_object_that_is_gone_meanwhile_is_left_out(folder_lake, monkeypatch):
    monkeypatch.setattr(row_export, "TABLE_ROWS", 10)
    fill(folder_lake)
    asked = RowExport(folder_lake, ObjectReader(folder_lake, 2), V, ALL, *WHOLE)
    list(asked.prepare())
    tables = asked.tables()
    first = next(tables)
    folder_lake.delete(DecodedObject(DAY, "20260212T000002.000Z").key)
    assert_same_rows(frame_of([first, *tables]), decoded_rows(folder_lake))


def test_nothing_is_nothing(folder_lake):
    fill(folder_lake)
    assert export(folder_lake, span=(0, S))[2] is None
    with pytest.raises(BadKey):
        list(RowExport(folder_lake, ObjectReader(folder_lake, 1), "../x", ALL, 0, S).prepare())


times = st.integers(0, 3 * DAY_NS - 1)
parts = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.dictionaries(
            st.sampled_from(ALL),
            st.lists(st.tuples(times, st.floats(allow_nan=False)), min_size=1, max_size=6),
        ),
    ),
    max_size=5,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(parts=[(1, {SPEED: [(0, 0.0)]})], compacted=set(), span=(0, DAY_NS + 1), size=1)
@given(
    parts=parts, compacted=st.sets(st.integers(0, 2)), span=st.tuples(times, times), size=st.integers(1, 9)
)
def test_any_rows_leave_as_they_are(tmp_path_factory, monkeypatch, parts, compacted, span, size):
    monkeypatch.setattr(row_export, "TABLE_ROWS", size)
    store = Store.open((tmp_path_factory.mktemp("lake")).as_uri())
    for number, (day, signals) in enumerate(parts):
        samples = {
            name: ([DAY.start_ns + t for t, _ in sorted(rows)], [v for _, v in sorted(rows)])
            for name, rows in signals.items()
        }
        put_decoded(store, DAY.shifted(day), f"o{number}", samples)
    for day in compacted & {day for day, _ in parts}:
        compact_day(store, DAY.shifted(day))
    low, high = (DAY.start_ns + ns for ns in sorted(span))
    _, days, found = export(store, span=(low, high))
    rows = [
        pl.read_parquet(store.get(info.key)).with_columns(pl.selectors.categorical().cast(pl.String))
        for info in store.list_objects(layout.vehicle_prefix(layout.DECODED, V))
        if DecodedObject.parse(info.key).partition in days
    ]
    inside = pl.col("timestamp").cast(pl.Int64).is_between(low, high, closed="left")
    expected = pl.concat(rows).filter(inside) if rows else None
    if found is None:
        assert expected is None or not expected.height
    else:
        assert_same_rows(found, expected)
