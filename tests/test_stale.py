"""Exactly the partitions that today's databases would decode differently are stale, whatever the marks say."""

import json

import pytest

from telemetry_pipeline import made_by
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.stale import Verdict, find_stale, settle_partition
from tests.raw_lake import EV_DBC, NOON, SECOND, land

OTHER = "other.dbc"
BINDINGS = """bindings:
  - vehicles: ["EV_*"]
    dbc: [ev_powertrain.dbc]
  - vehicles: ["TRUCK_*"]
    dbc: [other.dbc]
"""


def put_dbc(store: Store, name: str, comment: str = "") -> None:
    store.put(f"{layout.DBC}{name}", EV_DBC.read_bytes() + f"\n{comment}".encode())


def bind(store: Store, text: str) -> None:
    store.put(layout.BINDINGS, text.encode())


def decode(store: Store, *raws: RawObject, strict: bool = False) -> None:
    outcomes = list(process_objects(store, Databases.load(store, strict_length=strict), raws))
    assert [item for item in outcomes if item.report is None] == []


def verdicts(store: Store, *, strict: bool = False) -> dict[str, Verdict]:
    found = find_stale(store, Databases.load(store, strict_length=strict))
    return {f"{item.partition.vehicle_id} {item.partition.date}": item for item in found}


def stale(store: Store) -> dict[str, str]:
    return {name: item.stale for name, item in verdicts(store).items() if item.stale}


def files(store: Store) -> dict[str, tuple[bytes, int]]:
    assert store.root is not None
    paths = sorted((store.root / "decoded").rglob("*.parquet"))
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


@pytest.fixture
def fleet(any_lake: Store) -> Store:
    """Two cars and a truck over two days, decoded by the databases bound to them."""
    for name in (EV_DBC.name, OTHER):
        put_dbc(any_lake, name)
    bind(any_lake, BINDINGS)
    vehicles = ("EV_1", "EV_2", "TRUCK_1")
    decode(any_lake, *(land(any_lake, v, NOON + day * DAY_NS, 20) for v in vehicles for day in (0, 1)))
    return any_lake


def test_what_was_just_decoded_is_not_stale_and_no_footer_is_read(fleet: Store) -> None:
    found = verdicts(fleet)
    assert len(found) == 6
    assert not any(item.stale or item.blocked or item.inspected for item in found.values())


def test_a_changed_database_concerns_those_bound_to_it(fleet: Store) -> None:
    put_dbc(fleet, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    assert stale(fleet) == {f"TRUCK_1 2026-02-{day}": "other.dbc changed" for day in (23, 24)}
    assert not any(item.inspected for item in verdicts(fleet).values())


def test_a_newly_bound_database_concerns_the_days_it_is_bound_for(fleet: Store) -> None:
    bind(
        fleet,
        BINDINGS + '  - vehicles: ["EV_2"]\n    dbc: [other.dbc]\n    valid_from: 2026-02-24\n',
    )
    assert stale(fleet) == {"EV_2 2026-02-24": "ev_powertrain.dbc is no longer bound; other.dbc is new"}


def test_a_comment_in_the_bindings_concerns_nobody(fleet: Store) -> None:
    bind(fleet, "# who drives what\n" + BINDINGS.replace("  - vehicles", "\n  - vehicles"))
    assert stale(fleet) == {}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("match: pgn", "other.dbc is bound differently"),
        ("channel: '*'", "other.dbc is bound differently"),
        ("transport: isotp", "other.dbc is bound differently"),
        ("valid_from: 2020-01-01", None),
    ],
)
def test_what_a_binding_says_counts_where_it_changes_the_decoding(
    fleet: Store, line: str, says: str | None
) -> None:
    bind(fleet, BINDINGS + f"    {line}\n")
    assert stale(fleet) == ({f"TRUCK_1 2026-02-{day}": says for day in (23, 24)} if says else {})


def test_which_of_two_databases_is_the_newer_one_counts(any_lake: Store) -> None:
    for name in (EV_DBC.name, OTHER):
        put_dbc(any_lake, name)
    both = """bindings:
  - {{vehicles: EV_1, dbc: ev_powertrain.dbc, channel: ["can*", a], valid_from: {}}}
  - {{vehicles: EV_1, dbc: other.dbc, channel: [can0, b], valid_from: {}}}
"""
    bind(any_lake, both.format("2026-01-01", "2026-01-02"))
    decode(any_lake, land(any_lake, "EV_1"))
    bind(any_lake, both.format("2025-01-01", "2026-01-31"))
    assert stale(any_lake) == {}
    bind(any_lake, both.format("2026-01-02", "2026-01-01"))
    assert list(stale(any_lake)) == ["EV_1 2026-02-23"]


def test_another_decoder_makes_everything_stale(fleet: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_by, "DECODER_VERSION", "99")
    assert len(stale(fleet)) == 6
    assert set(stale(fleet).values()) == {"decoder 1 is now 99"}


def test_refusing_short_frames_makes_everything_stale(fleet: Store) -> None:
    assert {item.stale for item in verdicts(fleet, strict=True).values()} == {"strict length is now on"}


def test_a_database_put_back_heals_what_it_made(fleet: Store) -> None:
    put_dbc(fleet, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    assert len(stale(fleet)) == 2
    put_dbc(fleet, OTHER)
    assert stale(fleet) == {}


def test_decoding_the_stale_ones_again_heals_them_and_touches_nothing_else(folder_lake: Store) -> None:
    for name in (EV_DBC.name, OTHER):
        put_dbc(folder_lake, name)
    bind(folder_lake, BINDINGS)
    raws = [land(folder_lake, vehicle, NOON, 20) for vehicle in ("EV_1", "EV_2", "TRUCK_1")]
    decode(folder_lake, *raws)
    before = files(folder_lake)
    put_dbc(folder_lake, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    decode(
        folder_lake, *(raw for raw in raws if f"{raw.partition.vehicle_id} 2026-02-23" in stale(folder_lake))
    )
    assert stale(folder_lake) == {}
    changed = {path for path, state in files(folder_lake).items() if state != before[path]}
    assert changed == {str(folder_lake.root / raws[2].decoded_key)}  # type: ignore[operator]


@pytest.mark.parametrize("redone", [1, 2])
def test_a_partition_half_decoded_again_is_still_stale(any_lake: Store, redone: int) -> None:
    put_dbc(any_lake, OTHER)
    raws = [land(any_lake, "EV_1", NOON + minute * 60 * SECOND, 20) for minute in range(3)]
    decode(any_lake, *raws)
    put_dbc(any_lake, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    decode(any_lake, *raws[:redone])
    assert list(stale(any_lake)) == ["EV_1 2026-02-23"]
    decode(any_lake, *raws[redone:])
    assert stale(any_lake) == {}


def test_without_marks_the_footers_tell_and_are_read_once(fleet: Store) -> None:
    for info in list(fleet.list_objects(f"{layout.STATE}made_by/")):
        fleet.delete(info.key)
    put_dbc(fleet, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    found = verdicts(fleet)
    assert [name for name, item in found.items() if item.stale] == [
        "TRUCK_1 2026-02-23",
        "TRUCK_1 2026-02-24",
    ]
    assert all(item.inspected == 1 for item in found.values())
    again = verdicts(fleet)
    assert [item.stale for item in again.values()] == [item.stale for item in found.values()]
    assert not any(item.inspected for item in again.values())


def test_a_receipt_without_a_readable_footer_is_stale(folder_lake: Store) -> None:
    put_dbc(folder_lake, OTHER)
    raw = land(folder_lake, "EV_1")
    decode(folder_lake, raw)
    for info in list(folder_lake.list_objects(f"{layout.STATE}made_by/")):
        folder_lake.delete(info.key)
    folder_lake.put(raw.decoded_key, b"damaged")
    assert stale(folder_lake) == {"EV_1 2026-02-23": "a decoded object has no readable footer"}
    decode(folder_lake, raw)
    assert stale(folder_lake) == {}


def test_what_has_no_raw_object_any_more_cannot_be_stale(folder_lake: Store) -> None:
    put_dbc(folder_lake, OTHER)
    gone, kept = (land(folder_lake, "EV_1", NOON + day * DAY_NS, 20) for day in (0, 1))
    decode(folder_lake, gone, kept)
    put_dbc(folder_lake, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    assert folder_lake.root is not None
    folder_lake.delete(gone.key)
    (folder_lake.root / gone.key).parent.rmdir()
    assert list(stale(folder_lake)) == ["EV_1 2026-02-24"]


def test_a_vehicle_that_nothing_decodes_any_more_is_blocked_not_stale(fleet: Store) -> None:
    bind(fleet, BINDINGS.replace("TRUCK_*", "VAN_*"))
    found = verdicts(fleet)
    assert not any(item.stale for item in found.values())
    blocked = {name: item.blocked for name, item in found.items() if item.blocked}
    assert list(blocked) == ["TRUCK_1 2026-02-23", "TRUCK_1 2026-02-24"]
    assert "no CAN database decodes vehicle TRUCK_1" in blocked["TRUCK_1 2026-02-23"]


def test_old_marks_go_once_everything_was_decoded_again(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_dbc(folder_lake, OTHER)
    raw = land(folder_lake, "EV_1")
    decode(folder_lake, raw)
    put_dbc(folder_lake, OTHER, "BO_ 2047 Extra: 8 Vector__XXX")
    decode(folder_lake, raw)
    (found,) = verdicts(folder_lake).values()
    assert (found.stale, found.inspected) == ("", 1)  # a young mark may be somebody's who is still at work
    monkeypatch.setattr(made_by, "KEPT_S", -1.0)
    settle_partition(folder_lake, Databases.load(folder_lake), raw.partition)
    (found,) = verdicts(folder_lake).values()
    assert (found.stale, found.inspected) == ("", 0)
    assert len(made_by.read_marks(folder_lake, "EV_1")[raw.partition]) == 1


def test_a_mark_is_renewed_while_its_process_works(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_dbc(folder_lake, OTHER)
    raw = land(folder_lake, "EV_1")
    decode(folder_lake, raw)
    ((mark,),) = made_by.read_marks(folder_lake, "EV_1").values()
    folder_lake.delete(mark.key)
    decode(folder_lake, raw)
    assert made_by.read_marks(folder_lake, "EV_1") == {}  # said lately: not said again
    monkeypatch.setattr(made_by, "RENEW_S", 0.0)
    decode(folder_lake, raw)
    ((again,),) = made_by.read_marks(folder_lake, "EV_1").values()
    assert again.making == mark.making
    assert json.loads(folder_lake.get(again.key))["code_version"] == "1"


def test_strangers_among_the_marks_are_overlooked(folder_lake: Store) -> None:
    put_dbc(folder_lake, OTHER)
    decode(folder_lake, land(folder_lake, "EV_1"))
    folder_lake.put(f"{layout.STATE}made_by/EV_1/notes.txt", b"")
    assert stale(folder_lake) == {}
