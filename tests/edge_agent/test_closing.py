import time

import pytest

from edge_agent.clock import GivenClock
from edge_agent.closing import Closer
from edge_agent.journal import ClockState, Journal, Reading
from edge_agent.journal_name import JournalName
from edge_agent.spool import Spool
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.parquet import open_object, read_footer, read_raw
from telemetry_pipeline.lake.windows import stamps_of
from tests.servers import wait_until

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND
MIDNIGHT = (START // DAY_NS + 1) * DAY_NS
UNKNOWN = Reading(0, 0, ClockState.UNKNOWN)
KNOWN = Reading(0, START, ClockState.KNOWN)


class Wall(GivenClock):
    """A clock that knows the time when a test says so."""

    now = None

    def verdict(self, *, final=False):
        return self.now


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
def left_behind(spool, arrive):
    """Leaves a journal in the spool, as a process that was killed does."""

    def leave(nth, *stamps, boot="aaaaaaaa", reading=UNKNOWN):
        name = JournalName(1, nth, nth, boot, "capture", "V")
        journal = Journal(spool.folder / str(name), nth)
        for stamp in stamps:
            journal.append(arrive([stamp]), reading)
        return journal

    return leave


@pytest.fixture
def closer(spool):
    made = []

    def make(wall):
        made.append(Closer(spool, wall, wall, "bbbbbbbb", lambda: None))
        return made[-1]

    yield make
    for one in made:
        one.stop(60)


def windows(spool):
    found = []
    for raw in spool.waiting():
        body = spool.read(raw)
        assert raw.partition.start_ns <= stamps_of(read_raw(body, raw.key))[0] < raw.partition.end_ns
        found.append(
            (stamps_of(read_raw(body, raw.key)).tolist(), read_footer(open_object(body, raw.key))["clock"])
        )
    return found


def test_journals_wait_for_the_time_and_are_dated_by_it(spool, left_behind, closer):
    wall = Wall()
    journal = left_behind(0, 5, 6, boot="bbbbbbbb")
    running = closer(wall)
    running.start()
    running.take(left_behind(1, 7))
    time.sleep(0.05)  # nothing should happen, and there is nothing to wait for
    assert spool.waiting() == []
    wall.now = KNOWN
    running.wake()
    wait_until(lambda: len(spool.waiting()) == 1 + 1, "two windows", pause=0.01)
    assert windows(spool) == [([START + 5, START + 6], "known"), ([START + 7], "known")]
    assert not journal.path.exists()
    assert running.stop(60)
    assert MIDNIGHT - DAY_NS <= int((spool.folder / ".lock").read_text()) <= START


def test_a_time_that_never_comes_leaves_the_journals(spool, left_behind, closer):
    journals = [left_behind(0, 5), left_behind(1, 6)]
    running = closer(Wall())
    running.start()
    assert running.stop(60)
    assert spool.waiting() == []
    assert all(journal.path.exists() for journal in journals)


def test_a_torn_tail_costs_what_was_torn_and_is_said(spool, left_behind, closer, caplog):
    journal = left_behind(0, START, START + 1, START + 2, reading=Reading(0, 0, ClockState.KNOWN))
    content = journal.path.read_bytes()
    journal.path.write_bytes(content[:-3])
    running = closer(Wall())
    running.start()
    wait_until(spool.waiting, "a window", pause=0.01)
    assert windows(spool) == [([START, START + 1], "known")]
    assert f"{len(content) // 3 - 3} bytes that are no whole block" in caplog.text


def test_a_journal_without_frames_leaves_nothing(spool, left_behind, closer):
    journal = left_behind(0)
    running = closer(Wall())
    running.start()
    wait_until(lambda: not journal.path.exists(), "the journal to go", pause=0.01)
    assert spool.waiting() == []


def test_a_journal_over_midnight_becomes_two_windows(spool, left_behind, closer):
    left_behind(0, MIDNIGHT - 1, MIDNIGHT, reading=Reading(0, 0, ClockState.KNOWN))
    running = closer(Wall())
    running.start()
    wait_until(lambda: len(spool.waiting()) == 2, "two windows", pause=0.01)
    assert windows(spool) == [([MIDNIGHT - 1], "known"), ([MIDNIGHT], "known")]


def test_a_full_disk_is_waited_for(spool, left_behind, closer, monkeypatch, caplog):
    journal = left_behind(0, START, reading=Reading(0, 0, ClockState.KNOWN))
    whole = Spool.add

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "add", full)
    running = closer(Wall())
    running.start()
    wait_until(lambda: "takes no window" in caplog.text, "the line", pause=0.01)
    monkeypatch.setattr(Spool, "add", whole)
    wait_until(spool.waiting, "a window", pause=0.01)
    assert not journal.path.exists()
    assert caplog.text.count("takes no window") == 1
