"""What is read to answer: of a compacted year its overview alone, of a bucket a few requests, of memory what fits."""

import datetime as dt
import threading

import numpy as np
import pytest

from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake import layout, series_file
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.overview_file import OverviewWriter
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import object_reader, source
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series import tier_reader
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.tiers import S_NS
from tests.decoded_lake import age_folders, put_decoded
from tests.servers import wait_until

V = "VIN1"
DAY = Partition(V, dt.date(2026, 11, 28))
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")
DAYS = 8
WHOLE = (DAY.start_ns, DAY.start_ns + DAYS * DAY_NS)
STEP = 300


def times(day: Partition) -> list[int]:
    return [day.start_ns + second * S_NS for second in range(0, 86_400, STEP)]


def fill(store: Store, *, strays: int | None = None) -> Store:
    """Eight days over the end of a month, of two objects each, compacted; one day may hold a row of another."""
    for shift in range(DAYS):
        day = DAY.shifted(shift)
        t = times(day)
        half = len(t) // 2
        for stem, part in (("a", t[:half]), ("b", t[half:])):
            rows = {name: (part, [float(shift)] * len(part)) for name in (SPEED, LEVEL)}
            if strays == shift and stem == "a":
                rows[SPEED] = ([*part, WHOLE[0] + 7], [*rows[SPEED][1], 99.0])
            put_decoded(store, day, stem, rows)
    if store.root is not None:
        age_folders(store)
    for shift in range(DAYS):
        compact_day(store, DAY.shifted(shift))
    if store.root is not None:
        for zone in ("overview", layout.SERIES):  # not the decoded objects: their folders' times are noted
            age_folders(store, zone)
    return store


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The keys of objects that are opened or fetched."""
    keys: list[str] = []
    for room in (object_reader, tier_reader):
        real = room.open_source

        def noted(store, info, real=real):
            keys.append(info.key)
            return real(store, info)

        monkeypatch.setattr(room, "open_source", noted)
    return keys


@pytest.fixture
def requests(monkeypatch) -> list[str]:
    """The names of what is asked of a store."""
    made: list[str] = []
    for name in ("get", "get_ranges", "list_objects", "list_dirs", "open_file", "head"):
        real = getattr(Store, name)

        def noted(self, *args, real=real, name=name):
            made.append(name)
            return real(self, *args)

        monkeypatch.setattr(Store, name, noted)
    return made


def total(reader: ParquetReader, width_s: int = 600) -> int:
    found = reader.buckets(V, [SPEED], *WHOLE, width_s * S_NS)
    return int(found.rows[SPEED].count.sum())


def series_keys(keys: list[str]) -> list[str]:
    return [key for key in keys if key.startswith(f"{layout.SERIES}/")]


@pytest.mark.parametrize("width_s", [60, 600, 3600])
def test_of_whole_days_only_the_overview_is_opened(folder_lake, opened, requests, width_s):
    reader = ParquetReader(fill(folder_lake))
    opened.clear()
    requests.clear()
    assert reader.count(V, [SPEED, LEVEL], *WHOLE) == dict.fromkeys((SPEED, LEVEL), DAYS * 86_400 // STEP)
    assert len(reader.recorded(V, *WHOLE)) == 1
    assert total(reader, width_s) == DAYS * 86_400 // STEP
    assert opened
    assert all(key.startswith("overview/") for key in opened)
    # nothing but two months of overviews was listed: not the days
    assert requests.count("list_objects") <= 4
    opened.clear()
    assert total(reader, width_s) == DAYS * 86_400 // STEP
    assert opened == []


def test_sessions_of_whole_days_are_what_the_overview_notes(folder_lake, opened):
    store = fill(folder_lake)
    opened.clear()
    reader = ParquetReader(store)
    found = reader.sessions(V)
    assert len(found) == 1
    assert opened
    assert all(key.startswith("overview/") for key in opened)
    for info in store.list_objects("overview/"):
        store.delete(info.key)
    assert ParquetReader(store).sessions(V) == found


def test_footers_of_a_bucket_are_read_several_at_a_time(bucket, monkeypatch):
    reader = ParquetReader(fill(bucket))
    together = threading.Barrier(DAYS)
    real = object_reader.index_object

    def several(*args):
        together.wait(60)  # none goes on before all have begun
        return real(*args)

    monkeypatch.setattr(object_reader, "index_object", several)
    assert [message.message for message in reader.messages(V)] == ["Battery", "Drive"]


def test_only_a_day_with_rows_of_other_days_is_opened(folder_lake, opened):
    reader = ParquetReader(fill(folder_lake, strays=3))
    opened.clear()
    assert total(reader) == DAYS * 86_400 // STEP + 1
    days = {key.split("day=")[1][:2] for key in series_keys(opened)}
    # the one that holds the row, and the one that it is of
    assert days == {f"{DAY.shifted(shift).date:%d}" for shift in (0, 3)}


def test_a_late_object_is_seen_wherever_it_falls(any_lake, opened):
    reader = ParquetReader(fill(any_lake), max_age_s=0.2)
    assert total(reader) == DAYS * 86_400 // STEP
    day = DAY.shifted(2)
    put_decoded(any_lake, day, "late", {SPEED: ([day.start_ns + 1], [5.0])})
    wait_until(
        lambda: total(reader) == DAYS * 86_400 // STEP + 1, "the late object to be counted", pause=0.02
    )
    opened.clear()
    ParquetReader(any_lake).buckets(V, [SPEED], *WHOLE, 600 * S_NS)
    assert {key.split("day=")[1][:2] for key in series_keys(opened)} <= {f"{day.date:%d}"}
    compact_day(any_lake, day)
    wait_until(lambda: total(reader) == DAYS * 86_400 // STEP + 1, "the new series object", pause=0.02)


def test_a_lake_that_was_copied_answers_the_same(folder_lake, tmp_path):
    fill(folder_lake)
    copy = Store.open((tmp_path / "copy").as_uri())
    for info in list(folder_lake.list_objects("")):
        copy.put(info.key, folder_lake.get(info.key))
    # other entity tags: no series object counts any more, and every row is there once
    assert total(ParquetReader(copy)) == DAYS * 86_400 // STEP


def test_an_overview_of_before_notes_is_as_good(folder_lake, monkeypatch, opened):
    with monkeypatch.context() as patched:
        close = OverviewWriter.close
        patched.setattr(
            OverviewWriter, "close", lambda self, tier, days, _notes=None: close(self, tier, days)
        )
        fill(folder_lake)
    opened.clear()
    reader = ParquetReader(folder_lake)
    assert total(reader) == DAYS * 86_400 // STEP
    assert len(reader.recorded(V, *WHOLE)) == 1
    assert series_keys(opened)


def test_no_row_is_seen_twice_or_not_at_all_while_days_are_compacted(any_lake):
    """Buckets over days that are made anew all the time: never fewer samples than there were, never more than there are."""
    for shift in range(2):
        put_decoded(any_lake, DAY.shifted(shift), "000", {SPEED: ([DAY.shifted(shift).start_ns], [1.0])})
        compact_day(any_lake, DAY.shifted(shift))
    reader = ParquetReader(any_lake, max_age_s=0)
    written, wrong, stop = [2, 2], [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            least = written[0]
            count = int(reader.buckets(V, [SPEED], *WHOLE, 600 * S_NS).rows[SPEED].count.sum())
            if not least <= count <= written[1]:
                wrong.append((least, count, written[1]))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 7):
        for shift in range(2):
            day = DAY.shifted(shift)
            written[1] += 1
            put_decoded(any_lake, day, f"{number:03d}", {SPEED: ([day.start_ns + number], [2.0])})
            written[0] += 1
            compact_day(any_lake, day)
    stop.set()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert total(reader) == 14


def test_a_bucket_is_listed_by_the_month(bucket, requests):
    fill(bucket)
    reader = ParquetReader(bucket, max_age_s=3600)
    requests.clear()
    assert total(reader) == DAYS * 86_400 // STEP
    # of November three days, of December the month, each of two zones, and the overview of both
    assert requests.count("list_objects") == 3 * 2 + 2 + 2
    assert requests.count("open_file") == 0
    requests.clear()
    assert total(reader) == DAYS * 86_400 // STEP
    assert requests == []


def test_of_a_large_object_in_a_bucket_only_ranges_are_fetched(bucket, requests, monkeypatch):
    monkeypatch.setattr(source, "WHOLE_BYTES", 0)
    monkeypatch.setattr(source, "_TAIL_BYTES", 64)
    monkeypatch.setattr(series_file, "GROUP_ROWS", 50)
    fill(bucket)
    low, high = DAY.start_ns + 3600 * S_NS, DAY.start_ns + 7200 * S_NS
    reader = ParquetReader(bucket)
    requests.clear()
    (found,) = reader.read(V, [SPEED], low, high).series
    assert found.t.tolist() == [t for t in times(DAY) if low <= t < high]
    # a footer in two parts, once for its index; then the row groups of it
    assert requests.count("get_ranges") <= 8
    assert "get" not in requests
    assert total(reader) == DAYS * 86_400 // STEP


def test_an_object_that_was_decoded_again_is_never_read_by_an_old_index(bucket):
    """A listing of a bucket may be a moment old: bytes that are not those of the listing are refused."""
    t = times(DAY)
    put_decoded(bucket, DAY, "a", {SPEED: (t, [1.0] * len(t)), LEVEL: (t, [2.0] * len(t))})
    reader = ParquetReader(bucket, max_age_s=3600)
    reader.sessions(V)
    put_decoded(bucket, DAY, "a", {SPEED: (t[:5], [3.0] * 5)})
    (found,) = reader.read(V, [SPEED], *WHOLE).series
    assert (found.t.tolist(), found.v.tolist()) == (t[:5], [3.0] * 5)


def test_what_is_kept_is_bounded_by_bytes(folder_lake, monkeypatch):
    monkeypatch.setattr(tier_reader, "_ROW_BYTES", 10_000)
    monkeypatch.setattr(tier_reader, "_INDEX_BYTES", 10_000)
    for name in ("INDEX_BYTES", "_FOOTER_BYTES", "_SAMPLE_BYTES", "_COLUMN_BYTES"):
        monkeypatch.setattr(object_reader, name, 10_000)
    reader = ParquetReader(fill(folder_lake))
    for _ in range(2):
        for width_s in (10, 60, 600):
            assert total(reader, width_s) == DAYS * 86_400 // STEP
        found = reader.read(V, [SPEED, LEVEL], WHOLE[0] + 1, WHOLE[1] - 1)
        assert len(found.series[0].t) == DAYS * 86_400 // STEP - 1
    assert len(reader.overview._rows) <= 2
    assert len(reader.objects._columns) <= 3


def test_samples_that_are_kept_cannot_be_changed_by_whoever_got_them(folder_lake):
    t = times(DAY)
    put_decoded(folder_lake, DAY, "a", {SPEED: (t, [1.0] * len(t))})
    reader = ParquetReader(folder_lake)
    for _ in range(2):
        (found,) = reader.read(V, [SPEED], *WHOLE).series
        with pytest.raises(ValueError, match="read-only"):
            found.v[0] = 2.0
    assert np.array_equal(found.v, [1.0] * len(t))


def test_a_store_that_does_not_answer_is_said(bucket, monkeypatch):
    fill(bucket)
    monkeypatch.setattr(
        Store, "list_objects", lambda *_: (_ for _ in ()).throw(TransientError("no answer", "s3"))
    )
    with pytest.raises(TransientError):
        total(ParquetReader(bucket))


def test_a_series_object_that_is_broken_is_answered_by_its_decoded_objects(folder_lake):
    fill(folder_lake)
    (key,) = [info.key for info in folder_lake.list_objects(DAY.prefix(layout.SERIES))]
    reader = ParquetReader(folder_lake)
    body = folder_lake.get(key)
    folder_lake.put(key, body[: len(body) // 2])
    (found,) = reader.read(V, [SPEED], DAY.start_ns, DAY.end_ns).series
    assert found.t.tolist() == times(DAY)
    assert DecodedObject(DAY, "a").key in [
        info.key for infos in reader.objects.days.of_vehicle(V).values() for info in infos
    ]
