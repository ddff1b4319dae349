import errno
import itertools
import os
import re
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent import recorder as recorder_module
from edge_agent.clock import GivenClock
from edge_agent.closing import raw_objects
from edge_agent.dating import KNOWN, Date
from edge_agent.journal import ClockState, Journal, Reading, scan
from edge_agent.journal_name import JournalName
from edge_agent.recorder import Recorder
from edge_agent.records import CLASSIC, WIDE, Arrival, gathered
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.windows import stamps_of
from tests.servers import wait_until

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND
MIDNIGHT = (START // DAY_NS + 1) * DAY_NS


@pytest.fixture
def bench(tmp_path):
    """A recorder, and the stamps of each journal that it has finished."""
    made = []

    def make(max_frames=1000, clock=None, window_s=60, sync_s=60, folder=tmp_path, finished=None):
        closed = []

        def look_into(journal):
            journal.close()
            number = JournalName.parse(journal.path.name).number
            blocks = list(scan(journal.path.read_bytes(), number))
            closed.append([stamp for block in blocks for stamp in block.arrival.records["stamp"].tolist()])

        recorder = Recorder(
            *(folder, JournalName.first(folder, "capture", "V"), clock or GivenClock()),
            finished or look_into,
            window_s=window_s,
            max_frames=max_frames,
            sync_s=sync_s,
        )
        made.append(recorder)
        return SimpleNamespace(add=recorder.add, closed=closed, recorder=recorder)

    yield make
    for recorder in made:
        recorder.stop()


def test_a_window_closes_after_its_length(bench, arrive):
    run = bench()
    run.add(arrive([START]), 0)
    run.add(arrive([START + 1]), 59.9)
    assert run.closed == []
    run.add(arrive([START + 2]), 60)
    assert run.closed == [[START, START + 1]]
    run.recorder.finish()
    assert run.closed == [[START, START + 1], [START + 2]]
    run.recorder.finish()
    assert len(run.closed) == 2


def test_a_silent_bus_closes_it_too(bench, arrive):
    run = bench()
    run.add(arrive([START]), 5)
    run.add(arrive([]), 64.9)
    assert run.closed == []
    run.add(arrive([]), 65)
    run.add(arrive([]), 500)
    assert run.closed == [[START]]


def test_a_wall_clock_set_back_does_not_hold_it_open(bench, arrive):
    run = bench()
    run.add(arrive([START]), 0)
    run.add(arrive([START - 3600 * SECOND]), 1)
    run.add(arrive([]), 61)
    assert run.closed == [[START, START - 3600 * SECOND]]


def test_it_closes_at_midnight(bench, arrive):
    run = bench()
    run.add(arrive([MIDNIGHT - 1]), 0)
    run.add(arrive([MIDNIGHT, MIDNIGHT + 1]), 0.1)
    assert run.closed == [[MIDNIGHT - 1]]


def test_it_closes_when_it_is_full(bench, arrive):
    run = bench(max_frames=3)
    run.add(arrive([START + n for n in range(7)]), 0)
    assert [len(window) for window in run.closed] == [3, 3]
    assert run.recorder.frames == 1


def test_what_a_disk_has_failed_to_take_once_becomes_a_window_and_is_written_again(
    bench, arrive, monkeypatch
):
    run = bench(sync_s=0.05)
    real, faults = os.fdatasync, [OSError(errno.EIO, "Input/output error")]

    def fdatasync(file):  # as the kernel does: it says so once, and counts as clean what it could not write
        if faults:
            raise faults.pop()
        real(file)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    run.add(arrive([START]), 0)
    wait_until(lambda: not faults, "the disk to be asked")
    wait_until(lambda: run.add(arrive([]), 1) or run.closed, "the journal to be handed over")
    assert run.closed == [[START]]
    run.add(arrive([START + 1]), 2)
    run.recorder.finish()
    assert run.closed == [[START], [START + 1]]


def test_a_disk_that_never_takes_anything_makes_no_window_of_every_sync(bench, arrive, monkeypatch):
    asked = []

    def fdatasync(file):
        asked.append(file)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    run = bench(sync_s=0.05)
    run.add(arrive([START]), 0)
    wait_until(lambda: run.add(arrive([]), 1) or run.closed, "the journal to be handed over")
    run.add(arrive([START + 1]), 1)
    asked.clear()
    wait_until(lambda: len(asked) > 2, "the disk to be asked of the next one")
    run.add(arrive([START + 2]), 60.9)
    assert run.closed == [[START]]
    run.add(arrive([]), 61)
    assert run.closed == [[START], [START + 1, START + 2]]


def test_a_journal_stays_small_enough_for_memory(bench, monkeypatch):
    monkeypatch.setattr(recorder_module, "JOURNAL_BYTES_MOST", 80 * 10)
    run = bench()
    for nth in range(12):  # narrow frames, then one of CAN FD that makes the others wide in memory
        run.add(Arrival("can0", np.zeros(1, WIDE if nth == 8 else CLASSIC)), 0)
    assert sum(len(window) for window in run.closed) + run.recorder.frames == 12
    assert 8 < len(run.closed[0]) <= 12


class Dated(GivenClock):
    """A clock that learns the time."""

    reading = Reading(0, 0, ClockState.UNSYNCED)

    def read(self):
        return self.reading


def test_it_closes_when_the_time_becomes_known(bench, arrive):
    clock = Dated()
    run = bench(clock=clock)
    run.add(arrive([1]), 0)
    run.add(arrive([2]), 1)
    clock.reading = Reading(0, START, ClockState.KNOWN)
    run.add(arrive([3]), 2)
    assert run.closed == [[1, 2]]
    clock.reading = Reading(0, START + SECOND, ClockState.KNOWN)  # put right once more
    run.add(arrive([4]), 3)
    assert run.closed == [[1, 2], [3]]


def test_what_has_arrived_is_soon_on_the_disk(bench, arrive, monkeypatch):
    synced = []
    whole = Journal.sync

    def sync(journal):
        whole(journal)
        synced.append((journal._synced, journal.bytes))

    monkeypatch.setattr(Journal, "sync", sync)
    run = bench(sync_s=0.05)
    run.add(arrive([START]), 0)
    deadline = time.monotonic() + 60
    while not any(upto == size > 0 for upto, size in synced):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_end_of_a_window_is_soon_on_the_disk_whoever_is_busy(bench, arrive):
    finished = []
    run = bench(sync_s=0.05, finished=finished.append)
    run.add(arrive([START]), 0)
    run.recorder.finish()
    (journal,) = finished  # nobody closes it
    deadline = time.monotonic() + 60
    while journal._synced < journal.bytes:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    journal.close()


def test_a_file_that_a_failing_disk_left_is_not_in_the_way(bench, arrive, tmp_path):
    run = bench()
    (
        tmp_path / str(run.recorder._name)
    ).touch()  # made, and then the disk took nothing more, not even its removal
    run.add(arrive([START]), 0)
    assert run.recorder.frames == 1
    run.add(arrive([START + 1]), 10)
    run.recorder.finish()
    assert run.closed == [[START, START + 1]]


def test_a_disk_that_can_only_be_read_is_no_disk_and_is_told_of_once(bench, arrive, monkeypatch, caplog):
    asked = []

    def read_only(handle):
        asked.append(handle)
        return SimpleNamespace(f_flag=os.ST_RDONLY)

    monkeypatch.setattr("edge_agent.journal.os.fstatvfs", read_only)  # `uml_disk` has a real one
    run = bench(sync_s=0.05)
    run.add(arrive([START]), 0)
    deadline = time.monotonic() + 60
    while len(asked) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.recorder.finish()
    run.recorder.stop()
    assert caplog.text.count("is not on the disk") == 1
    assert "Read-only file system" in caplog.text


def test_a_disk_that_takes_nothing_for_a_while_loses_nothing(bench, arrive, monkeypatch, caplog):
    run = bench()
    run.add(arrive([START]), 0)
    whole = Journal.append
    monkeypatch.setattr(Journal, "append", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    for nth in range(1, 5):
        run.add(arrive([START + nth]), nth)
    assert run.recorder.frames == 5
    assert caplog.text.count("takes no frames") == 1
    monkeypatch.setattr(Journal, "append", whole)
    run.add(arrive([]), 10)
    run.recorder.finish()
    assert run.closed == [[START + nth for nth in range(5)]]
    assert run.recorder.stop() == 0


def test_what_memory_cannot_hold_is_counted(bench, arrive, monkeypatch, caplog):
    monkeypatch.setattr(recorder_module, "HELD_BYTES_MOST", 24 * 10)
    whole = Journal.append
    monkeypatch.setattr(Journal, "append", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    run = bench()
    for nth in range(25):
        run.add(arrive([START + nth]), 2.0 * nth)
    assert re.findall(r"lost (\d+) frames", caplog.text) == ["1", "2", "4", "8"]
    monkeypatch.setattr(Journal, "append", whole)
    run.add(arrive([]), 100)
    run.recorder.finish()
    assert run.closed[-1] == [START + nth for nth in range(15, 25)]
    assert run.recorder.stop() == 15


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    arrivals=st.lists(
        st.tuples(st.floats(0, 30), st.lists(st.integers(-100 * SECOND, 100 * SECOND), max_size=8)),
        max_size=20,
    ),
    max_frames=st.integers(1, 12),
)
def test_no_frame_is_lost_or_doubled(tmp_path_factory, arrive, arrivals, max_frames):
    folder = tmp_path_factory.mktemp("journals")
    now, sent, windows = 0.0, [], []

    def finished(journal):
        name = JournalName.parse(journal.path.name)
        blocks = scan(journal.path.read_bytes(), name.number)
        windows.extend(raw_objects(name, gathered([block.arrival for block in blocks]), Date(0, KNOWN)))
        journal.close()

    recorder = Recorder(
        *(folder, JournalName.first(folder, "capture", "V"), GivenClock(), finished),
        window_s=60,
        max_frames=max_frames,
        sync_s=60,
    )
    for pause, offsets in arrivals:
        now += pause
        stamps = [MIDNIGHT + offset for offset in offsets]
        sent += stamps
        recorder.add(arrive(stamps), now)
    recorder.stop()
    found = [(raw, stamps_of(read_raw(body, raw.key)).tolist()) for raw, body in windows]
    assert sorted(itertools.chain.from_iterable(stamps for _, stamps in found)) == sorted(sent)
    for raw, stamps in found:
        assert len(stamps) <= max_frames
        assert stamps == sorted(stamps)
        assert raw.partition.start_ns <= stamps[0] <= stamps[-1] < raw.partition.end_ns
