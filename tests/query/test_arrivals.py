"""Looking at what was decoded lately, over a folder and over a bucket."""

import datetime as dt

from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query import arrivals
from telemetry_pipeline.query.arrivals import Arrivals

V = "VIN1"
DAY = Partition(V, dt.date(2026, 2, 12))


def put(store, day, stem, body=b"x"):
    key = DecodedObject(day, stem).key
    store.put(key, body)
    return key


def test_what_comes_is_seen_in_the_newest_days_alone(any_lake, monkeypatch):
    monkeypatch.setattr(arrivals, "_NEW_DAYS_EVERY", 1)
    seen = Arrivals(any_lake, V)
    assert seen.look() == {}
    old, before = put(any_lake, DAY.shifted(-2), "a"), put(any_lake, DAY.shifted(-1), "a")
    first = put(any_lake, DAY, "a")
    any_lake.put(f"{DAY.prefix('decoded')}stranger.txt", b"x")
    assert set(seen.look()) == {before, first}
    second = put(any_lake, DAY, "b")
    assert set(seen.look()) == {before, first, second}
    tag = seen.look()[first].etag
    put(any_lake, DAY, "a", b"another")
    assert seen.look()[first].etag != tag
    following = put(any_lake, DAY.shifted(1), "a")
    assert set(seen.look()) == {first, second, following}
    assert set(seen.since(DAY.shifted(-2), 2)) == {old, before}
    assert set(seen.since(DAY.shifted(-1), 2)) == {before}
    assert seen.since(DAY.shifted(-9), 1) is None


def test_today_is_seen_beside_a_day_of_a_clock_that_is_ahead(folder_lake):
    today = Partition(V, dt.datetime.now(dt.UTC).date())
    ahead, now = put(folder_lake, today.shifted(900), "a"), put(folder_lake, today, "a")
    assert set(Arrivals(folder_lake, V).look()) == {ahead, now}
