"""A vehicle that no longer sends is found, whoever decodes its objects, and asking costs little."""

import pytest

from telemetry_pipeline.health.book import Book
from telemetry_pipeline.health.health import Health
from telemetry_pipeline.health.silence import ASK_AGAIN_NS, Silence, find_silent
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.thresholds import NEVER, Limits, Thresholds
from tests.raw_lake import NOON, SECOND, land

HOUR = 3600 * SECOND
STRICT = Thresholds(Limits(silent_after=2 * HOUR, forget_after=30 * DAY_NS))


def silent(found: Silence) -> dict[str, int | None]:
    return {item.vehicle_id: item.since_ns for item in found.silent}


def test_one_that_no_longer_lands_anything_is_found_and_comes_back(any_lake: Store) -> None:
    for vehicle in ("EV_1", "EV_2"):
        land(any_lake, vehicle, NOON - 26 * HOUR)
        land(any_lake, vehicle, NOON)
    land(any_lake, "EV_2", NOON + 3 * HOUR)
    assert silent(find_silent(any_lake, STRICT, NOON + HOUR)) == {}
    found = find_silent(any_lake, STRICT, NOON + 4 * HOUR)
    assert (found.vehicles, silent(found), found.retired) == (2, {"EV_1": NOON}, 0)
    assert found.silent[0].allowed_ns == 2 * HOUR
    land(any_lake, "EV_1", NOON + 5 * HOUR)
    assert silent(find_silent(any_lake, STRICT, NOON + 6 * HOUR)) == {"EV_2": NOON + 3 * HOUR}


def test_what_was_decoded_tells_at_once_and_saves_asking(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = land(folder_lake, "EV_1", NOON)
    assert silent(find_silent(folder_lake, STRICT, NOON + 3 * HOUR)) == {"EV_1": NOON}
    heard = Health(objects=1, spans=((NOON, NOON + 3 * HOUR),))
    Book(folder_lake, STRICT).add({raw.partition: heard})

    def never(*arguments: object) -> None:
        raise AssertionError("the lake was asked")

    monkeypatch.setattr("telemetry_pipeline.health.silence._newest_raw_ns", never)
    assert silent(find_silent(folder_lake, STRICT, NOON + 3 * HOUR)) == {}


def test_a_silent_vehicle_is_looked_for_once_an_hour(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(folder_lake, "EV_1", NOON)
    asked: list[str] = []

    def ask(store: Store, vehicle_id: str, now_ns: int) -> int:
        asked.append(vehicle_id)
        return NOON

    monkeypatch.setattr("telemetry_pipeline.health.silence._newest_raw_ns", ask)
    start = NOON + 3 * HOUR
    for minutes in range(0, 121, 5):
        find_silent(folder_lake, STRICT, start + minutes * 60 * SECOND)
    assert len(asked) == 120 * 60 * SECOND // ASK_AGAIN_NS + 1


def test_each_vehicle_has_its_own_patience(folder_lake: Store) -> None:
    for vehicle in ("EV_1", "TRUCK_1", "SHOW_1"):
        land(folder_lake, vehicle, NOON)
    thresholds = Thresholds(
        Limits(silent_after=2 * HOUR),
        ((("TRUCK_*",), {"silent_after": HOUR}), (("SHOW_*",), {"silent_after": NEVER})),
    )
    assert set(silent(find_silent(folder_lake, thresholds, NOON + 90 * 60 * SECOND))) == {"TRUCK_1"}
    assert set(silent(find_silent(folder_lake, thresholds, NOON + 3 * HOUR))) == {"TRUCK_1", "EV_1"}


def test_one_that_is_silent_for_very_long_is_retired(folder_lake: Store) -> None:
    land(folder_lake, "EV_1", NOON)
    found = find_silent(folder_lake, STRICT, NOON + 31 * DAY_NS)
    assert (found.silent, found.retired) == ((), 1)


def test_a_clock_that_runs_years_ahead_hides_nothing(folder_lake: Store) -> None:
    land(folder_lake, "EV_1", NOON)
    land(folder_lake, "EV_1", NOON + 5000 * DAY_NS)
    land(folder_lake, "EV_2", NOON + 5000 * DAY_NS)
    assert silent(find_silent(folder_lake, STRICT, NOON + 3 * HOUR)) == {"EV_1": NOON, "EV_2": None}


def test_a_stem_without_a_time_counts_by_its_day(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1", NOON)
    folder_lake.put(RawObject(raw.partition, "whatever").key, folder_lake.get(raw.key))
    folder_lake.delete(raw.key)
    folder_lake.put(f"{raw.partition.prefix(layout.RAW)}notes.txt", b"")
    found = silent(find_silent(folder_lake, STRICT, NOON + 3 * HOUR))
    assert found == {"EV_1": raw.partition.start_ns}


def test_a_vehicle_that_was_removed_is_forgotten(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1", NOON)
    assert find_silent(folder_lake, STRICT, NOON + 3 * HOUR).vehicles == 1
    folder_lake.delete(raw.key)
    assert folder_lake.root is not None
    for folder in list((folder_lake.root / raw.key).parents)[:4]:
        folder.rmdir()
    assert find_silent(folder_lake, STRICT, NOON + 3 * HOUR) == Silence(0, (), 0)


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"EV_1": 3}', b'{"EV_1": {"last": "noon"}}'])
def test_a_damaged_memory_is_made_anew(folder_lake: Store, damage: bytes) -> None:
    land(folder_lake, "EV_1", NOON)
    folder_lake.put(f"{layout.STATE}seen.json", damage)
    assert silent(find_silent(folder_lake, STRICT, NOON + 3 * HOUR)) == {"EV_1": NOON}
