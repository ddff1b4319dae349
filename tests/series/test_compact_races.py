"""Whatever happens while a day is compacted: nobody sees a row twice or not at all, and the next run clears up."""

import threading

import pytest

from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series import merge
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.state import series_state
from tests.decoded_lake import put_decoded
from tests.series.day_lake import AT, DAY, SPEED, V, read_all


def test_a_crash_between_write_and_swap_leaves_what_the_next_run_clears(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    first = compact_day(folder_lake, DAY)
    put_decoded(folder_lake, DAY, "b", {SPEED: ([AT + 1], [2.0])})

    honest = Store.delete

    def crash(store, key):
        if key.startswith("series/"):
            raise KeyboardInterrupt
        honest(store, key)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "delete", crash)
        with pytest.raises(KeyboardInterrupt):
            compact_day(folder_lake, DAY)
    state = series_state(folder_lake, DAY)
    assert (state.leftovers, state.settled) == ((first.key,), False)
    assert read_all(folder_lake, [SPEED])[0][0][1] == [AT, AT + 1]
    done = compact_day(folder_lake, DAY)
    assert (done.written, list(done.removed)) == (False, [first.key])
    assert series_state(folder_lake, DAY).settled


def test_a_day_that_changes_while_it_is_read_is_read_again(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    honest, times = merge.read_source, []

    def meanwhile(*args):
        times.append(args)
        if len(times) == 1:
            put_decoded(folder_lake, DAY, "b", {SPEED: ([AT + 1], [2.0])})
        return honest(*args)

    monkeypatch.setattr(merge, "read_source", meanwhile)
    assert compact_day(folder_lake, DAY).rows == 2

    def always(*args):
        put_decoded(folder_lake, DAY, f"c{len(times)}", {SPEED: ([AT + 1], [2.0])})
        times.append(args)
        return honest(*args)

    monkeypatch.setattr(merge, "read_source", always)
    put_decoded(folder_lake, DAY, "c", {SPEED: ([AT + 1], [2.0])})
    with pytest.raises(TransientError, match="change all the time"):
        compact_day(folder_lake, DAY)


def test_a_reader_never_sees_a_row_twice_or_not_at_all(any_lake):
    """Readers ask all the time while a day is compacted again and again."""
    expected, wrong, asked, stop = [0], [], [0], threading.Event()
    put_decoded(any_lake, DAY, "000", {SPEED: ([AT], [0.0])})
    reader = ParquetReader(any_lake, max_age_s=0)

    def ask() -> None:
        while not stop.is_set():
            least = expected[0]
            answer = reader.read(V, [SPEED], AT, AT + DAY_NS)
            t = answer.series[0].t.tolist()
            asked[0] += 1
            if t != [AT + step for step in range(len(t))] or len(t) <= least or answer.skipped_objects:
                wrong.append((least, t, answer.skipped_objects))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 12):
        put_decoded(any_lake, DAY, f"{number:03d}", {SPEED: ([AT + number], [float(number)])})
        expected[0] = number
        compact_day(any_lake, DAY)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert asked[0] > 10


def test_two_who_compact_at_once_leave_one_series_object(any_lake):
    for number in range(6):
        put_decoded(any_lake, DAY, f"{number}", {SPEED: ([AT + number], [float(number)])})
    threads = [threading.Thread(target=compact_day, args=(any_lake, DAY)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(list(any_lake.list_objects(DAY.prefix(layout.SERIES)))) == 1
    assert compact_day(any_lake, DAY).rows == 6
    assert series_state(any_lake, DAY).settled
