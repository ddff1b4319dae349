from itertools import pairwise

import pytest

from edge_agent.dating import ESTIMATED, KNOWN, UNSYNCED, Date, Span, dates_of
from edge_agent.journal import ClockState, Reading
from edge_agent.journal_name import JournalName

SECOND = 1_000_000_000
NOW = Reading(50 * SECOND, 1_795_334_400 * SECOND, ClockState.KNOWN)


def span(session, nth, boot, first, last, state=ClockState.UNKNOWN, offset=0):
    name = JournalName(session, nth, nth, boot, "capture", "V")
    return Span(name, first * SECOND, last * SECOND, state, offset)


def test_a_journal_that_knows_its_time_says_it():
    known = span(1, 0, "a", 0, 9, ClockState.KNOWN, 777)
    assert dates_of([known], "b", NOW) == {known.name: Date(777, KNOWN)}
    assert dates_of([known], "b", None) == {known.name: Date(777, KNOWN)}


def test_the_present_clock_dates_what_this_boot_recorded():
    crashed = span(1, 0, "b", 0, 9)
    assert dates_of([crashed], "b", NOW) == {crashed.name: Date(NOW.offset, KNOWN)}
    assert dates_of([crashed], "b", None) == {}


def test_a_later_journal_of_the_boot_dates_the_earlier():
    spans = [span(1, 0, "a", 0, 9), span(1, 1, "a", 10, 19, ClockState.KNOWN, 777), span(1, 2, "a", 20, 29)]
    dates = dates_of(spans, "b", NOW)
    assert dates[spans[0].name] == dates[spans[1].name] == Date(777, KNOWN)


def test_a_possible_clock_is_believed_and_marked():
    believed = span(1, 0, "a", 0, 9, ClockState.UNSYNCED, 555)
    assert dates_of([believed], "b", NOW) == {believed.name: Date(555, UNSYNCED)}


def test_boots_that_never_knew_the_time_are_put_before_the_next_in_order():
    spans = [
        *(span(1, nth, "a", 100 * nth, 100 * nth + 99) for nth in range(3)),
        *(span(session, 0, "c", 50 * session, 50 * session + 40) for session in (2, 3)),
    ]
    dates = dates_of(spans, "b", NOW)
    assert {date.mark for date in dates.values()} == {ESTIMATED}
    placed = [(one.first + dates[one.name].offset, one.last + dates[one.name].offset) for one in spans]
    assert placed == sorted(placed)
    assert all(earlier < later for (_, earlier), (later, _) in pairwise(placed))
    assert placed[-1][1] == NOW.offset - 1  # right before the present boot
    assert dates[spans[0].name] == dates[spans[2].name]  # one boot, one clock


@pytest.mark.parametrize("name", ["", "x.journal", "000001-00000000-0-a-capture-V.journal"])
def test_strangers_are_no_journals(name):
    assert JournalName.parse(name) is None


def test_a_name_says_all_of_it(tmp_path):
    name = JournalName.first(tmp_path, "capture", "A-long_Vehicle-1")
    assert JournalName.parse(str(name)) == name
    (tmp_path / str(name)).touch()
    (tmp_path / "notes.journal").touch()
    later = JournalName.first(tmp_path, "capture", "V")
    assert name < name.next() < later
    assert name.next().number != name.number
