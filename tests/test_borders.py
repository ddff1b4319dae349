"""Transfers that an object's border cuts: complete in the object after it, in whatever order the objects arrive."""

import json
import threading

import polars as pl
import pyarrow as pa
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import layout, parquet
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.process import partition_total, process_object, process_objects
from telemetry_pipeline.verify import verify_partition
from tests.decode.transport_bus import MS, Frame, isotp, table
from tests.raw_lake import NOON, SECOND

DBC = """VERSION ""
BU_: ECU
BO_ 2028 Battery: 20 ECU
 SG_ Length : 0|8@1+ (1,0) [0|0] "" ECU
 SG_ Charge : 152|8@1+ (0.5,0) [0|0] "%" ECU
BO_ 256 Plain: 8 ECU
 SG_ Count : 0|8@1+ (1,0) [0|0] "" ECU
"""
BINDINGS = """bindings:
  - vehicles: ["*"]
    dbc: [uds.dbc]
    transport: [isotp]
"""


def bind(store: Store) -> None:
    """Have every vehicle's diagnostic responses reassembled and decoded."""
    store.put(f"{layout.DBC}uds.dbc", DBC.encode())
    store.put(layout.BINDINGS, BINDINGS.encode())


@pytest.fixture
def lake(any_lake: Store) -> Store:
    bind(any_lake)
    return any_lake


def recording(start: int, count: int) -> list[Frame]:
    """Responses, one every 100 ms, with an ordinary frame between their segments; response k carries k as Charge."""
    frames = []
    for number in range(count):
        payload = bytes(18) + bytes([number]) + bytes(1)
        parts = [(0x7EC, part) for part in isotp(payload)]
        parts.insert(1, (0x100, bytes([number]) * 8))
        for at, (arb_id, part) in enumerate(parts):
            frames.append(Frame(start + number * 100 * MS + at * 10 * MS, arb_id, part))
    return frames


def land(store: Store, frames: list[Frame], vehicle_id: str = "EV_001") -> RawObject:
    raw = RawObject.starting(vehicle_id, frames[0].time)
    columns = table(frames)
    named = columns.set_column(4, "vehicle_id", pa.repeat(vehicle_id, len(frames)))
    store.put(raw.key, parquet.write_raw(named))
    return raw


def decode(store: Store, *raws: RawObject) -> Report:
    outcomes = list(process_objects(store, Databases.load(store), raws))
    assert all(outcome.report is not None for outcome in outcomes), outcomes
    return Report.merge(outcome.report for outcome in outcomes)


def charge(store: Store, raw: RawObject) -> list[float]:
    rows = pl.read_parquet(store.get(raw.decoded_key)).filter(pl.col("signal_name") == "Charge")
    return (rows["value"] * 2).to_list()


def footer(store: Store, raw: RawObject) -> dict[str, str]:
    return parquet.read_footer(parquet.open_object(store.get(raw.decoded_key), raw.key))


def test_a_cut_transfer_completes_in_the_object_after(lake: Store) -> None:
    frames = recording(NOON, 10)
    first, second = (
        land(lake, frames[:21]),
        land(lake, frames[21:]),
    )  # the sixth response is cut after its first frame
    report = decode(lake, first, second)
    assert charge(lake, first) == [0, 1, 2, 3, 4]
    assert charge(lake, second) == [5, 6, 7, 8, 9]
    assert report.transfers == {"isotp complete": 10, "isotp continued": 1, "isotp unfinished": 1}
    assert report.skipped_by == {"isotp segment": 20}
    assert (report.rows, report.decoded_frames) == (40, 20)
    assert report.adds_up()
    assert partition_total(lake, first.partition) == Report.from_dict({**report.to_dict(), "signals": []})
    named = {"raw_key": first.key, "raw_digest": digest(lake.get(first.key))}
    assert json.loads(footer(lake, second)["previous"]) == named
    assert json.loads(footer(lake, first)["previous"]) is None
    assert Report.from_dict(json.loads(footer(lake, second)["report"])).adds_up()


@pytest.mark.parametrize("cut", range(1, 8))
def test_every_cut_gives_the_values_of_no_cut(folder_lake: Store, cut: int) -> None:
    bind(folder_lake)
    frames = recording(NOON, 2)
    first, second = land(folder_lake, frames[:cut]), land(folder_lake, frames[cut:])
    decode(folder_lake, first, second)
    assert charge(folder_lake, first) + charge(folder_lake, second) == [0, 1]


def test_the_order_of_arrival_does_not_matter(lake: Store) -> None:
    frames = recording(NOON, 9)
    parts = [frames[:13], frames[13:27], frames[27:]]
    raws = [land(lake, part) for part in parts]
    decode(lake, *raws)
    expected = {raw: lake.get(raw.decoded_key) for raw in raws}
    total = partition_total(lake, raws[0].partition)
    for order in ((2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 2, 1)):
        for raw in raws:
            lake.delete(raw.key)
            lake.delete(raw.decoded_key)
        for number in order:
            decode(lake, land(lake, parts[number]))
        assert {raw: lake.get(raw.decoded_key) for raw in raws} == expected
        assert partition_total(lake, raws[0].partition) == total


def test_a_drain_decodes_the_follower_of_a_late_object_again(folder_lake: Store) -> None:
    bind(folder_lake)
    frames = recording(NOON, 4)
    second = land(folder_lake, frames[7:])
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert charge(folder_lake, second) == [2, 3]
    first = land(folder_lake, frames[:7])
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert charge(folder_lake, first) == [0]
    assert charge(folder_lake, second) == [1, 2, 3]


def test_a_crash_before_the_receipt_leaves_nothing_forgotten(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(folder_lake)
    frames = recording(NOON, 4)
    second = land(folder_lake, frames[7:])
    decode(folder_lake, second)
    first = land(folder_lake, frames[:7])
    write = folder_lake.put
    monkeypatch.setattr(folder_lake, "put", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        decode(folder_lake, first)
    monkeypatch.setattr(folder_lake, "put", write)
    assert folder_lake.head(first.decoded_key) is None
    decode(folder_lake, first)
    assert charge(folder_lake, second) == [1, 2, 3]


def test_an_object_that_lands_while_its_follower_is_decoded_is_seen(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(folder_lake)
    frames = recording(NOON, 4)
    second = land(folder_lake, frames[7:])
    write, landed = folder_lake.put, []

    def put(key: str, body: bytes, **options: bool) -> None:
        if key == second.decoded_key and not landed:
            landed.append(RawObject.starting("EV_001", frames[0].time))
            land(folder_lake, frames[:7])
        write(key, body, **options)

    monkeypatch.setattr(folder_lake, "put", put)
    decode(folder_lake, second)
    assert charge(folder_lake, second) == [1, 2, 3]


def test_two_workers_at_once_end_with_the_same_bytes(folder_lake: Store) -> None:
    bind(folder_lake)
    frames = recording(NOON, 20)
    parts = [frames[at : at + 7] for at in range(0, len(frames), 7)]
    plan = Databases.load(folder_lake).plan_for("EV_001")
    raws = [RawObject.starting("EV_001", part[0].time) for part in parts]

    def work(numbers: list[int]) -> None:
        for number in numbers:
            process_object(folder_lake, land(folder_lake, parts[number]), plan)

    order = list(range(len(parts)))
    workers = [threading.Thread(target=work, args=(part,)) for part in (order[::2][::-1], order[1::2])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    together = [folder_lake.get(raw.decoded_key) for raw in raws]
    for raw in raws:
        folder_lake.delete(raw.decoded_key)
    decode(folder_lake, *raws)
    assert together == [folder_lake.get(raw.decoded_key) for raw in raws]
    assert [value for raw in raws for value in charge(folder_lake, raw)] == list(range(20))


def test_verify_finds_what_was_decoded_without_the_object_before_it(lake: Store) -> None:
    frames = recording(NOON, 4)
    parts = [frames[:5], frames[5:10], frames[10:]]
    raws = [land(lake, part) for part in parts]
    decode(lake, *raws)
    assert verify_partition(lake, raws[0].partition, deep=True).problems == {}
    receipt = lake.get(raws[2].decoded_key)
    lake.delete(raws[1].key)
    decode(lake, raws[2])
    land(lake, parts[1])
    (problem,) = verify_partition(lake, raws[0].partition).problems[raws[2].key]
    assert problem == f"it was decoded after {raws[0].key}, but {raws[1].key} is before it"
    lake.put(raws[2].decoded_key, receipt)
    lake.put(raws[1].key, parquet.write_raw(table(parts[1][:-1])))
    assert raws[2].key not in verify_partition(lake, raws[0].partition).problems
    problems = verify_partition(lake, raws[0].partition, deep=True).problems[raws[2].key]
    assert problems == [f"it was decoded after other bytes of {raws[1].key}"]


def test_objects_without_a_time_in_their_name_have_no_neighbours(lake: Store) -> None:
    frames = recording(NOON, 1)
    named = land(lake, frames[:2])
    other = RawObject(named.partition, "some-name")
    lake.put(other.key, parquet.write_raw(table(frames[2:])))
    lake.put(f"{named.partition.prefix(layout.RAW)}stray.txt", b"")
    report = decode(lake, named, other)
    assert report.transfers == {"isotp unfinished": 1}
    assert json.loads(footer(lake, other)["previous"]) is None


def test_an_unreadable_receipt_of_the_follower_is_written_again(lake: Store) -> None:
    frames = recording(NOON, 2)
    first, second = land(lake, frames[:5]), land(lake, frames[5:])
    lake.put(second.decoded_key, b"no Parquet")
    decode(lake, first)
    assert charge(lake, second) == [1]


def test_nothing_is_carried_over_midnight_or_a_long_pause(lake: Store) -> None:
    late = recording(NOON + DAY_NS // 2 - 30 * MS, 2)  # its second segment is the first frame of the next day
    before, after = land(lake, late[:3]), land(lake, late[3:])
    assert before.partition != after.partition
    assert decode(lake, before, after).transfers == {"isotp complete": 1, "isotp unfinished": 1}
    paused = recording(NOON, 1)
    paused += [Frame(frame.time + 6 * SECOND, frame.arb_id, frame.data) for frame in paused[2:]]
    first, second = land(lake, paused[:2], "EV_002"), land(lake, paused[4:], "EV_002")
    report = decode(lake, first, second)
    assert report.transfers == {"isotp unfinished": 1, "isotp continued": 1, "isotp timed out": 1}
    assert report.skipped_by["isotp segment without a transfer"] == 2


def test_an_unreadable_object_before_leaves_nothing_open(lake: Store) -> None:
    frames = recording(NOON, 2)
    broken = RawObject.starting("EV_001", NOON - SECOND)
    lake.put(broken.key, b"no Parquet")
    raw = land(lake, frames)
    decode(lake, raw)
    assert charge(lake, raw) == [0, 1]
    assert json.loads(footer(lake, raw)["previous"])["raw_key"] == broken.key


def test_without_a_transport_no_neighbour_is_looked_at(folder_lake: Store) -> None:
    folder_lake.put(f"{layout.DBC}uds.dbc", DBC.encode())
    raw = land(folder_lake, recording(NOON, 1))
    report = decode(folder_lake, raw)
    assert "previous" not in footer(folder_lake, raw)
    assert report.transfers == {}
    assert report.messages == {"Battery": 3, "Plain": 1}
