"""The days of a range: the very same value while nothing changes, another one at once when something does."""

import datetime as dt

from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.overview_file import DayNote
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.objects import DayObjects
from telemetry_pipeline.query.vehicle_days import Day, Days
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.whole_days import WholeDays
from tests.decoded_lake import age_folders, put_decoded

V = "VIN1"
DAY = Partition(V, dt.date(2026, 12, 30))
SPAN = (DAY.start_ns, DAY.start_ns + 4 * DAY_NS)
SPEED = ("Drive", "Speed")


def put(store: Store, shift: int, stem: str) -> None:
    day = DAY.shifted(shift)
    put_decoded(store, day, stem, {SPEED: ([day.start_ns], [1.0])})


def day(shift: int, note: DayNote | None, series: str | None = "name") -> Day:
    return Day(DAY.shifted(shift), series, None, (), note)


def note_of(day: Day) -> DayNote | None:
    return day.note


def test_the_same_days_are_the_same_value(folder_lake):
    for shift in range(4):
        put(folder_lake, shift, "a")
        compact_day(folder_lake, DAY.shifted(shift))
    age_folders(folder_lake)
    objects = DayObjects(folder_lake, lambda work, items: [work(item) for item in items])
    found = objects.days(V, *SPAN)
    assert objects.days(V, *SPAN) is found
    assert found.whole is found.whole
    assert list(found.whole) == [DAY.shifted(shift) for shift in range(4)]
    put(folder_lake, 2, "b")
    later = objects.days(V, *SPAN)
    assert [one is other for one, other in zip(found, later, strict=True)] == [True, True, False, True]
    assert DAY.shifted(2) not in later.whole
    objects.disregard(objects.objects(later[0])[0])  # nothing in the lake changes by it
    assert DAY not in objects.days(V, *SPAN).whole


def test_a_range_within_a_range():
    days = Days(day(shift, None) for shift in (0, 2, 3))
    one, two, three = days
    assert list(days.between(DAY.date, DAY.shifted(2).date)) == [one, two]
    assert list(days.between(DAY.shifted(1).date, DAY.shifted(9).date)) == [two, three]
    assert not days.between(DAY.shifted(4).date, DAY.shifted(9).date)
    assert days.partitions == {DAY, DAY.shifted(2), DAY.shifted(3)}


def test_who_may_hold_rows_of_another_day():
    clean, early = DayNote(1, None, ()), DayNote(1, (SPAN[0] - 5, SPAN[0] - 1), ())
    days = Days([day(0, clean), day(1, early), day(2, None, series=None)])
    assert days.doubtful(SPAN, note_of) == [days[2]]
    assert days.doubtful((SPAN[0] - 1, SPAN[1]), note_of) == [days[1], days[2]]
    assert days.doubtful((SPAN[0] - 9, SPAN[0] - 5), note_of) == [days[2]]


def test_what_is_known_of_a_day_later_counts_from_then_on():
    days = Days([day(0, None)])
    assert days.doubtful(SPAN, note_of) == [days[0]]
    days[0].note = DayNote(1, None, ())
    assert days.doubtful(SPAN, note_of) == []


def test_days_that_are_not_held_whole():
    days = Days([day(0, None), day(1, None, series=None), day(2, None)])
    assert list(days.whole) == [DAY, DAY.shifted(2)]
    assert days.beside(days.whole, ()) == [days[1]]
    assert days.beside(days.whole, [DAY]) == [days[0], days[1]]
    assert days.beside(days.whole.without({DAY}), ()) == [days[0], days[1]]
    assert list(days[::2].beside(days.whole, ())) == []
    assert days.whole.without({DAY.shifted(1)}) is days.whole


def test_equal_days_are_found_under_one_key():
    named = {DAY: "a", DAY.shifted(3): "b"}
    known = {WholeDays(named): 1}
    assert known[WholeDays.of(dict(reversed(named.items())))] == 1
    assert WholeDays({DAY: "a"}) not in known
    assert WholeDays.of(whole := WholeDays(named)) is whole
    assert whole != named
    assert [prefix.partition("/year=")[2] for prefix in whole.prefixes(60)] == [
        "2026/month=12/",
        "2027/month=01/",
    ]
