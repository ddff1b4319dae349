import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.journal import ClockState, Journal, Reading
from edge_agent.records import Arrival
from edge_agent.syncer import Syncer, next_due

READING = Reading(0, 0, ClockState.KNOWN)


@given(
    since=st.floats(0, 1000),
    looked_before=st.floats(0, 0.25),
    took=st.floats(0, 5),
    sync_s=st.floats(0.05, 60),
)
def test_what_came_since_is_on_the_disk_in_time_or_the_disk_is_asked_with_rests(
    since, looked_before, took, sync_s
):
    ended = since + looked_before + took
    due = next_due(since, ended, took, sync_s)
    assert due >= ended + sync_s / 4
    if 2 * took + looked_before <= 0.75 * sync_s:
        assert due + took == pytest.approx(since + sync_s)


@pytest.fixture
def journal(tmp_path, arrive):
    made = Journal(tmp_path / "x.journal", 7)
    made.append(Arrival("can0", arrive([1, 2]).records), READING)
    yield made
    made.close()


@pytest.fixture
def syncers():
    """Makes syncers, and ends them."""
    made = []

    def make(*arguments):
        made.append(Syncer(*arguments))
        return made[-1]

    yield make
    for syncer in made:
        syncer.stop()


def until_synced(journal):
    deadline = time.monotonic() + 60
    while journal._synced < journal.bytes:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_open_journal_is_synced_though_nobody_says_that_it_was_written(syncers, journal):
    syncers(lambda: journal, 0.05)
    until_synced(journal)


def test_a_tail_is_synced_once_and_another_journal_goes_on(syncers, journal):
    syncer = syncers(lambda: None, 0.05)
    syncer.finished(journal)
    until_synced(journal)


def test_a_disk_that_fails_is_told_of_once_until_it_works_again(syncers, journal, monkeypatch, caplog):
    asked, is_broken = [], True

    def sync(_):
        asked.append(is_broken)
        if is_broken:
            raise OSError(5, "Input/output error")

    def until_asked(times, what):
        deadline = time.monotonic() + 60
        while asked.count(what) < times:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    monkeypatch.setattr(Journal, "sync", sync)
    syncer = syncers(lambda: journal, 0.05)
    until_asked(3, True)
    is_broken = False
    until_asked(2, False)
    is_broken = True
    asked.clear()
    until_asked(3, True)
    syncer.stop()
    assert caplog.text.count("is not on the disk") == 2
