"""A folder's inbox: what changed is found, whatever its day; what did not change is not looked into again."""

import os
import shutil
import time
from pathlib import Path

import pytest

from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.inbox import folder_day, folder_inbox
from telemetry_pipeline.inbox.folder_inbox import FolderInbox
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import wait_until


def opened(store: Store) -> FolderInbox:
    assert store.root is not None
    return FolderInbox(store, store.root)


def emptied(store: Store) -> list[RawObject]:
    """Drain, and give what was found."""
    found: list[RawObject] = []
    with opened(store) as inbox:
        honest = inbox.waiting

        def waiting(limit: int) -> list[RawObject]:
            given = honest(limit)
            found.extend(given)
            return given

        inbox.waiting = waiting  # type: ignore[method-assign]
        list(drain(store, inbox, DecoderHere(store), budget_s=60))
    return sorted(found)


@pytest.fixture
def lake(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A lake in a folder; what has changed settles within a tenth of a second."""
    monkeypatch.setattr(folder_inbox, "SETTLE_NS", 100_000_000)
    add_dbc(folder_lake)
    return folder_lake


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[Partition]:
    """The partitions whose names are compared."""
    found: list[Partition] = []
    honest = folder_day.pending

    def pending(root: Path, partition: Partition) -> list[RawObject]:
        found.append(partition)
        return honest(root, partition)

    monkeypatch.setattr(folder_day, "pending", pending)
    return found


def look(store: Store, limit: int = 100) -> list[RawObject]:
    with opened(store) as inbox:
        return inbox.waiting(limit)


def test_late_uploads_into_old_days_are_found_like_new_ones(lake: Store) -> None:
    first = [land(lake, "EV_1", NOON - day * DAY_NS) for day in (0, 40, 700)]
    assert emptied(lake) == sorted(first)
    late = [land(lake, "EV_1", NOON - day * DAY_NS - 3600 * SECOND) for day in (0, 40, 700)]
    assert emptied(lake) == sorted(late)
    assert emptied(lake) == []


def test_a_quiet_day_costs_no_comparison(lake: Store, examined: list[Partition]) -> None:
    raws = [land(lake, vehicle, NOON) for vehicle in ("EV_1", "EV_2")]
    now = land(lake, "EV_1", time.time_ns())
    emptied(lake)

    def quiet() -> bool:
        examined.clear()
        look(lake)
        return not examined

    wait_until(quiet, "the days to settle")
    late = land(lake, "EV_2", NOON + 60 * SECOND)
    assert look(lake) == [late]
    assert examined == [late.partition]
    assert {raw.partition for raw in (*raws, now)} >= set(examined)


def test_an_object_is_given_once_until_it_is_settled(lake: Store) -> None:
    raw = land(lake, "EV_1")
    inbox = opened(lake)
    assert inbox.waiting(10) == [raw]
    assert inbox.waiting(10) == []
    other = land(lake, "EV_1", NOON + 60 * SECOND)
    assert inbox.waiting(10) == [other]


def test_whoever_dies_with_objects_in_hand_loses_none(lake: Store) -> None:
    raws = [land(lake, "EV_1", NOON + minute * 60 * SECOND) for minute in range(3)]
    dead = opened(lake)
    assert dead.waiting(10) == raws
    dead.settle(raws[0])
    dead.save()
    # nothing was decoded: whoever comes next finds all of them
    assert look(lake) == raws


def test_an_object_that_was_written_over_is_found_again(lake: Store) -> None:
    raw = land(lake, "EV_1")
    land(lake, "EV_1", NOON + 60 * SECOND)
    emptied(lake)
    wait_until(lambda: not look(lake) and not look(lake), "the day to settle")
    time.sleep(0.2)
    look(lake)
    land(lake, "EV_1", count=7)
    assert emptied(lake) == [raw]
    assert emptied(lake) == []


def test_a_month_that_was_moved_into_place_is_found(lake: Store, tmp_path: Path) -> None:
    land(lake, "EV_1")
    elsewhere = Store.open((tmp_path / "elsewhere").as_uri())
    moved = [land(elsewhere, "EV_1", NOON - (40 + day) * DAY_NS) for day in range(3)]
    emptied(lake)
    wait_until(lambda: not look(lake), "the lake to settle")
    time.sleep(0.3)
    look(lake)
    assert elsewhere.root is not None
    assert lake.root is not None
    for month in {(elsewhere.root / raw.key).parents[1] for raw in moved}:
        target = lake.root / month.relative_to(elsewhere.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        month.rename(target)
    assert emptied(lake) == sorted(moved)


def test_times_that_a_copy_sets_back_hide_nothing(lake: Store, tmp_path: Path) -> None:
    land(lake, "EV_1")
    emptied(lake)
    time.sleep(0.3)
    look(lake)
    elsewhere = Store.open((tmp_path / "elsewhere").as_uri())
    raw = land(elsewhere, "EV_1", NOON + 60 * SECOND)
    assert elsewhere.root is not None
    assert lake.root is not None
    source = (elsewhere.root / raw.key).parent
    for path in (source / (elsewhere.root / raw.key).name, source):
        os.utime(path, ns=(NOON, NOON))
    shutil.copytree(source, (lake.root / raw.key).parent, dirs_exist_ok=True)
    assert (lake.root / raw.key).parent.stat().st_mtime_ns == NOON
    assert emptied(lake) == [raw]


def test_a_clock_that_is_set_back_makes_every_mark_void(lake: Store) -> None:
    land(lake, "EV_1")
    emptied(lake)
    time.sleep(0.2)
    look(lake)
    with opened(lake) as inbox:
        inbox._marks.looked_ns = time.time_ns() + DAY_NS
        inbox._marks.mark_vehicle("EV_1", time.time_ns() + DAY_NS)
    late = land(lake, "EV_1", NOON + 60 * SECOND)
    assert look(lake) == [late]


@pytest.mark.parametrize("memory", [b"{ torn", b"[]", b'{"looked_ns": "x"}', b'{"vehicles": {"EV_1": 1}}'])
def test_a_memory_that_cannot_be_read_costs_time_and_no_object(lake: Store, memory: bytes) -> None:
    raw = land(lake, "EV_1")
    for name in ("inbox", "aside", "strays"):
        lake.put(f"{layout.STATE}{name}.json", memory)
    assert look(lake) == [raw]


def test_the_memory_grows_with_vehicles_not_with_days(lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lake.root is not None
    for day in range(400):
        raw = RawObject.starting("EV_1", NOON - day * DAY_NS)
        for key in (raw.key, raw.decoded_key):
            (lake.root / key).parent.mkdir(parents=True)
            (lake.root / key).touch()
    monkeypatch.setattr(folder_inbox, "WALK_MIN_S", 10.0)
    time.sleep(0.2)
    assert look(lake) == []
    assert (lake.root / layout.STATE / "inbox.json").stat().st_size < 500


def test_a_look_at_a_large_lake_is_a_piece_of_it_and_the_next_goes_on(
    lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [land(lake, f"EV_{number}") for number in range(5)]
    for name in ("WALK_MIN_S", "WALK_MAX_S"):
        monkeypatch.setattr(folder_inbox, name, 0.0)
    found: set[RawObject] = set()
    for number in range(5):
        found |= set(look(lake))
        assert len(found) == number + 1
    assert found == set(raws)


def test_old_days_get_their_turn_while_much_lands_into_today(lake: Store) -> None:
    late = land(lake, "EV_1", NOON - 40 * DAY_NS)
    today = time.time_ns()
    inbox = opened(lake)
    for minute in range(6):
        land(lake, "EV_1", today + minute * SECOND)
    found = [raw for _ in range(3) for raw in inbox.waiting(2)]
    assert late in found


def test_names_that_are_no_objects_are_left_alone(lake: Store) -> None:
    raw = land(lake, "EV_1")
    assert lake.root is not None
    folder = (lake.root / raw.key).parent
    (folder / "readme.txt").touch()
    (folder / "_raw.parquet").touch()
    (folder / "a_directory_raw.parquet").mkdir()
    (lake.root / "raw" / "vehicle_id=EV_2").touch()
    (lake.root / "raw" / "vehicle_id=EV_3" / "year=2026").mkdir(parents=True)
    assert look(lake) == [raw]


def test_a_month_that_goes_away_during_a_look_hides_no_other(lake: Store) -> None:
    near, gone, far = (land(lake, "EV_1", NOON - days * DAY_NS) for days in (30, 60, 90))
    root = lake.root
    assert root is not None
    vehicle = (root / near.key).parents[3]
    days = folder_inbox._day_folders(root, "EV_1")
    found = [next(days)[0].path]
    months = {(root / raw.key).parents[1] for raw in (near, gone, far)}
    left = sorted(month for month in months if not Path(found[0]).is_relative_to(month))
    shutil.rmtree(left[0])
    found += [entry.path for entry, _, _ in days]
    assert {Path(path).parent for path in found} == months - {left[0]}
    shutil.rmtree(vehicle)
    assert list(folder_inbox._day_folders(root, "EV_1")) == []


def test_an_object_that_goes_away_during_a_look_hides_no_other(
    lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [land(lake, "EV_1", NOON + number * 60 * SECOND) for number in range(3)]
    root = lake.root
    assert root is not None
    honest = folder_day._dealt_with_ns

    def dealt_with(root: Path, raw: RawObject) -> int:
        for other in raws:
            if other != raw:
                (root / other.key).unlink(missing_ok=True)
        return honest(root, raw)

    monkeypatch.setattr(folder_day, "_dealt_with_ns", dealt_with)
    assert len(folder_day.rewritten(root, raws[0].partition, 0)) == 1
