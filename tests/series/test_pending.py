"""Which days wait to be compacted, and what it costs to know."""

import datetime as dt

import pytest

from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series import compact
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.pending import days_to_compact
from telemetry_pipeline.series.state import series_state
from telemetry_pipeline.series.tiers import TIERS_S
from tests.decoded_lake import put_decoded
from tests.series.day_lake import AT, DAY, SPEED, V


def test_a_day_is_settled_only_once_it_is_in_the_overview(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    with monkeypatch.context() as patched:
        patched.setattr(compact, "update_overview", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compact_day(folder_lake, DAY)
    assert not series_state(folder_lake, DAY).settled
    assert compact_day(folder_lake, DAY).written
    assert series_state(folder_lake, DAY).settled
    assert list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62)) == []
    for info in list(folder_lake.list_objects("overview/tier=60/")):
        folder_lake.delete(info.key)
    assert list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62)) == [DAY]
    assert not compact_day(folder_lake, DAY).written
    assert list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62)) == []


def test_only_days_that_are_over_quiet_and_not_settled_wait(folder_lake):
    for shift in range(3):
        put_decoded(folder_lake, DAY.shifted(shift), "a", {SPEED: ([AT + shift * DAY_NS], [1.0])})
    put_decoded(folder_lake, Partition("VIN2", DAY.date), "a", {SPEED: ([AT], [1.0])})
    written = max(info.modified_ns for info in folder_lake.list_objects("decoded/"))

    def waiting(quiet=0, now=written, **more):
        return list(days_to_compact(folder_lake, quiet_for_ns=quiet, now_ns=now, **more))

    ends = DAY.shifted(1).end_ns
    assert waiting(now=max(ends, written)) == [
        *(DAY.shifted(shift) for shift in range(3) if DAY.shifted(shift).end_ns <= max(ends, written)),
        Partition("VIN2", DAY.date),
    ]
    later = max(ends, written) + 10**18
    assert len(waiting(now=later)) == 4
    assert waiting(now=later, vehicles=["VIN2"]) == [Partition("VIN2", DAY.date)]
    assert waiting(now=later, first=DAY.shifted(1).date) == [DAY.shifted(1), DAY.shifted(2)]
    assert waiting(quiet=2 * 10**18, now=later) == []
    compact_day(folder_lake, DAY)
    assert DAY not in waiting(now=later)


def test_looking_at_the_last_days_costs_the_same_however_old_the_lake_is(folder_lake, monkeypatch):
    march = Partition(V, dt.date(2026, 3, 1))
    days = [Partition(V, dt.date(year, month, 9)) for year in (2023, 2024, 2025) for month in range(1, 13)]
    days += [march.shifted(-27), *(march.shifted(shift) for shift in range(5))]
    for day in days:
        put_decoded(folder_lake, day, "a", {SPEED: ([day.start_ns], [1.0])})
    asked = []
    for verb in ("list_dirs", "list_objects"):
        honest = getattr(Store, verb)
        monkeypatch.setattr(
            Store, verb, lambda store, prefix, honest=honest: [asked.append(prefix), honest(store, prefix)][1]
        )

    def waiting(first):
        asked.clear()
        return list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62, first=first))

    assert waiting(march.date) == [march.shifted(shift) for shift in range(5)]
    # vehicles, years, months of a year, then the decoded and the series objects of a month
    assert len(asked) == 5
    for day in days:
        compact_day(folder_lake, day)
    assert waiting(march.date) == []
    assert len(asked) == 5 + len(TIERS_S)
    assert waiting(march.shifted(-1).date) == []
    assert len(asked) == 5 + len(TIERS_S) + 2  # of February, no day is late enough to be looked at
    assert waiting(dt.date.min) == []
    assert len(asked) == 2 + 4 + 38 * (2 + len(TIERS_S))
