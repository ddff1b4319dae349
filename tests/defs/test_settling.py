"""The book of days that wait to be quiet: plain data, with the time as a number."""

import datetime as dt

from telemetry_pipeline.defs.settling import ASKED_MAX, GRACE_S, PATIENCE_S, QUIET_S, WAITING_MAX, Book

DAY = "2026-02-23"
MIDNIGHT = dt.datetime(2026, 2, 24, tzinfo=dt.UTC).timestamp()
NOON = MIDNIGHT + 12 * 3600


def test_a_day_is_due_once_it_is_over_and_quiet() -> None:
    book = Book()
    book.note({DAY: MIDNIGHT - 60})
    assert book.due(MIDNIGHT + GRACE_S - 1) == []
    assert book.due(MIDNIGHT + GRACE_S) == [DAY]
    book = Book()
    book.note({DAY: NOON})
    assert book.due(NOON + QUIET_S - 1) == []
    assert book.due(NOON + QUIET_S) == [DAY]


def test_a_day_that_never_gets_quiet_is_due_all_the_same() -> None:
    book = Book()
    for minute in range(int(PATIENCE_S // 60) + 1):
        book.note({DAY: NOON + minute * 60})
    assert book.due(NOON + PATIENCE_S - 60) == []
    assert book.due(NOON + PATIENCE_S) == [DAY]


def test_what_is_asked_for_waits_no_more_until_it_is_touched_again() -> None:
    book = Book()
    book.note({DAY: NOON, "2026-02-22": NOON})
    days = book.due(NOON + QUIET_S)
    assert days == [DAY, "2026-02-22"]  # newest first
    book.request(days, "ask", NOON + QUIET_S)
    assert book.due(NOON + 10 * QUIET_S) == []
    book.note({DAY: NOON + 900})  # late, while the run works
    book.settle([], NOON + 1000)
    assert (book.ask, book.due(NOON + 900 + QUIET_S)) == ("", [DAY])


def test_what_a_run_leaves_is_asked_for_again() -> None:
    book = Book()
    book.note({DAY: NOON, "2026-02-22": NOON})
    book.request(book.due(NOON + QUIET_S), "ask", NOON + QUIET_S)
    book.settle(["2026-02-22", "1999-01-01"], NOON + 5000)
    assert book.due(NOON + 5000 + QUIET_S) == ["2026-02-22"]


def test_the_book_survives_being_written_and_stays_small() -> None:
    book = Book(after=7)
    first = dt.date(2015, 1, 1)
    book.note({(first + dt.timedelta(days=n)).isoformat(): NOON for n in range(WAITING_MAX)})
    assert book.full
    assert len(book.due(NOON + QUIET_S)) == ASKED_MAX
    text = book.dump()
    assert len(text) < 100_000
    assert Book.load(text) == book
    for broken in (None, "", "7", "{", '{"x": 1}'):
        assert Book.load(broken) == Book()
