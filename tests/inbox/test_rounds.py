"""Rounds through a lake meet every partition once, however often they are interrupted."""

import datetime as dt
from itertools import islice

import pytest

from telemetry_pipeline.inbox.rounds import Round
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import NOON, land


def test_a_round_is_resumed_where_it_was_left(any_lake: Store) -> None:
    partitions = sorted(
        land(any_lake, vehicle, NOON + day * DAY_NS).partition
        for vehicle in ("EV_1", "EV_2", "EV_3")
        for day in (-400, 0, 1)
    )
    met: list[Partition] = []
    state: dict[str, object] = {}
    while not state.get("ended"):
        walk = Round(any_lake, state, period_s=3600.0)
        # the last one of each piece was not finished, and is met again
        met.extend(list(islice(walk.partitions(), 3))[:2] if len(met) < 6 else walk.partitions())
        state = walk.state
    assert met == partitions
    assert list(Round(any_lake, state, period_s=3600.0).partitions()) == []
    assert list(Round(any_lake, state, period_s=0.0).partitions()) == partitions


def test_a_vehicle_that_came_meanwhile_is_met(folder_lake: Store) -> None:
    land(folder_lake, "EV_1")
    land(folder_lake, "EV_3")
    walk = Round(folder_lake, {}, period_s=3600.0)
    list(islice(walk.partitions(), 2))
    new = land(folder_lake, "EV_2").partition
    assert new in list(Round(folder_lake, walk.state, period_s=3600.0).partitions())


def test_recent_days_are_those_of_today(folder_lake: Store) -> None:
    land(folder_lake, "EV_1")
    walk = Round(folder_lake, {}, period_s=3600.0, recent_days=2)
    today = dt.datetime.now(dt.UTC).date()
    assert list(walk.partitions())[-1] in {
        Partition("EV_1", today),
        Partition("EV_1", today - dt.timedelta(days=1)),
    }
    assert walk.examined == 2


@pytest.mark.parametrize("at", ["EV_1", "EV 1/2026-01-01", "EV_1/yesterday", 7])
def test_a_cursor_that_cannot_be_read_begins_anew(folder_lake: Store, at: object) -> None:
    raw = land(folder_lake, "EV_1")
    assert list(Round(folder_lake, {"at": at}, period_s=1.0).partitions()) == [raw.partition]
