"""The objects of a day: listed when something changed, with the series object and what it does not cover."""

import datetime as dt
import os

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.objects import DayObjects, is_series, partition_of
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import age_folders, put_decoded

V = "VIN1"
DAY = Partition(V, dt.date(2026, 3, 1))
SPEED = ("Drive", "Speed")


def lists(store: Store) -> DayObjects:
    return DayObjects(store, lambda work, items: [work(item) for item in items])


def keys(found) -> list[list[str]]:
    return [[info.key for info in objects] for objects in found.values()]


def put(store: Store, stem: str) -> str:
    return put_decoded(store, DAY, stem, {SPEED: ([DAY.start_ns], [1.0])})


def test_a_day_that_did_not_change_is_not_listed_again(folder_lake, monkeypatch):
    put(folder_lake, "a")
    days = lists(folder_lake)
    age_folders(folder_lake)
    before = days.in_range(V, DAY.start_ns, DAY.end_ns)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "list_objects", lambda *_: 1 / 0)
        assert days.in_range(V, DAY.start_ns, DAY.end_ns) == days.of_vehicle(V) == before
    put(folder_lake, "b")
    assert len(days.in_range(V, DAY.start_ns, DAY.end_ns)[DAY]) == 2
    age_folders(folder_lake)
    key = compact_day(folder_lake, DAY).key
    assert keys(days.of_vehicle(V)) == [[key]]


def test_what_changed_a_moment_ago_is_listed_again(folder_lake, monkeypatch):
    """Two changes within one tick of the clock leave the folder with one time."""
    put(folder_lake, "a")
    days = lists(folder_lake)
    folder = folder_lake.root / DAY.prefix(layout.DECODED)
    times = folder.stat()
    assert len(days.in_range(V, DAY.start_ns, DAY.end_ns)[DAY]) == 1
    put(folder_lake, "b")
    os.utime(folder, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len(days.in_range(V, DAY.start_ns, DAY.end_ns)[DAY]) == 2


def test_a_series_object_and_what_it_does_not_cover(any_lake):
    put(any_lake, "a")
    days = lists(any_lake)
    series = compact_day(any_lake, DAY).key
    late = put(any_lake, "b")
    assert keys(days.in_range(V, DAY.start_ns, DAY.end_ns)) == keys(days.of_vehicle(V)) == [[series, late]]
    (listed,) = days.of_vehicle(V).values()
    assert [is_series(info) for info in listed] == [True, False]
    assert {partition_of(info) for info in listed} == {DAY}
    days.disregard(listed[0])
    assert len(days.in_range(V, DAY.start_ns - 9 * DAY_NS, DAY.end_ns)[DAY]) == 2
    assert not any(is_series(info) for info in days.of_vehicle(V)[DAY])
