"""What is set aside comes back when something changes, and not before."""

import pytest

from telemetry_pipeline.inbox import aside
from telemetry_pipeline.inbox.aside import Aside
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import NOON, add_dbc

ONE, TWO = RawObject.starting("EV_1", NOON), RawObject.starting("EV_2", NOON)


def reopened(store: Store) -> Aside:
    memory = Aside(store)
    memory.refresh()
    return memory


def test_a_vehicle_waits_for_a_database_with_all_its_days(folder_lake: Store) -> None:
    memory = reopened(folder_lake)
    memory.add_vehicle(ONE.partition)
    memory.note(ONE.partition.shifted(3))
    memory.save()
    memory = reopened(folder_lake)
    assert memory.holds(ONE)
    assert not memory.holds(TWO)
    assert memory.ripe_partitions() == []
    add_dbc(folder_lake)
    memory = reopened(folder_lake)
    assert not memory.holds(ONE)
    assert memory.ripe_partitions() == [ONE.partition, ONE.partition.shifted(3)]
    for partition in memory.ripe_partitions():
        memory.done_with(partition)
    memory.save()
    assert reopened(folder_lake).ripe_partitions() == []


def test_what_may_mend_itself_waits_longer_each_time(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(aside.time, "time", lambda: now)
    memory = reopened(folder_lake)
    waits = []
    for _ in range(10):
        memory.add_object(ONE, mends_itself=True)
        memory.save()
        begun = now
        while memory.holds(ONE):
            now += 1.0
        waits.append(now - begun)
        assert [*memory.ripe_objects()] == [ONE]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    memory.forget(ONE)
    assert [*memory.ripe_objects()] == []


def test_a_change_of_the_code_brings_back_what_it_stumbled_over(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = reopened(folder_lake)
    memory.add_object(ONE, mends_itself=False)
    memory.save()
    assert reopened(folder_lake).holds(ONE)
    monkeypatch.setattr(aside, "__version__", "99.0")
    assert [*reopened(folder_lake).ripe_objects()] == [ONE]


def test_the_memory_is_bounded(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "OBJECTS_MAX", 3)
    memory = reopened(folder_lake)
    raws = [RawObject.starting("EV_1", NOON + day * DAY_NS) for day in range(5)]
    for raw in raws:
        memory.add_object(raw, mends_itself=False)
    assert [memory.holds(raw) for raw in raws] == [False, False, True, True, True]
