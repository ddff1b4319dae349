"""Events that decoding writes, and what becomes of them when rules or objects change."""

import random
from itertools import permutations

import pyarrow as pa
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.rules.apply import apply_rules, events_objects
from telemetry_pipeline.rules.load import load_rules
from telemetry_pipeline.stale import find_stale
from tests.raw_lake import NOON, SECOND
from tests.rules.judged_lake import EVER, FAST, STEP, V, decode, events_bytes, found, land, spans, use_rules
from tests.rules.test_evaluate import MIDNIGHT


def test_an_event_over_three_objects_whatever_their_order(any_lake: Store) -> None:
    use_rules(any_lake, FAST)
    minute = 60 * SECOND
    speeds = [[50] * 550 + [120] * 50, [130] * 599 + [140], [120] * 30 + [50] * 570]
    raws = [land(any_lake, NOON + n * minute, own) for n, own in enumerate(speeds)]
    # the middle one comes late
    decode(any_lake, raws[0], raws[2])
    assert spans(found(any_lake)) == []
    decode(any_lake, raws[1])
    (event,) = found(any_lake)
    assert spans([event]) == [(55.0, 122.9)]
    assert (event.worst, event.worst_ns, event.samples) == (140, NOON + 2 * minute - STEP, 50 + 600 + 30)
    assert (event.open_start, event.open_end) == (False, False)
    assert (event.series.rule, event.series.severity, event.series.condition) == ("fast", "critical", "> 100")
    assert (event.series.message, event.series.signal, event.unit) == ("MotorCtrl_Status", "Motor_RPM", "rpm")
    assert len(events_bytes(any_lake)) == 3


def test_every_order_of_arrival_gives_the_same_lake(folder_lake: Store, tmp_path) -> None:
    seen = []
    for number, order in enumerate(permutations(range(3))):
        lake = Store.open((tmp_path / f"{number}").as_uri())
        use_rules(lake, FAST)
        raws = [land(lake, NOON + n * 60 * SECOND, [120] * 600) for n in range(3)]
        for index in order:
            decode(lake, raws[index])
        seen.append((events_bytes(lake), found(lake)))
    assert all(item == seen[0] for item in seen)
    assert spans(seen[0][1]) == [(0, 179.9)]
    assert seen[0][1][0].open_end, "nobody has seen it end"


def test_an_event_over_midnight_within_one_object(any_lake: Store) -> None:
    use_rules(any_lake, FAST)
    start = MIDNIGHT - 8 * SECOND
    raw = land(any_lake, start, [120] * 160 + [0])
    decode(any_lake, raw)
    own, spilled = DecodedObject(raw.partition, raw.stem), raw.spill(1)
    assert set(events_bytes(any_lake)) == {own.events_key, spilled.events_key}
    # a question about either day alone gives the whole event
    for low, high in ((start, MIDNIGHT), (MIDNIGHT, MIDNIGHT + DAY_NS)):
        (event,) = found(any_lake, low, high)
        assert (event.first_ns, event.last_ns) == (start, start + 159 * STEP)
    assert found(any_lake, MIDNIGHT + 9 * SECOND, MIDNIGHT + DAY_NS) == []


def test_nothing_found_writes_nothing_and_an_object_written_over_is_judged_anew(any_lake: Store) -> None:
    use_rules(any_lake, FAST)
    calm, wild = [50] * 200, [50] + [120] * 150 + [50]
    raw = land(any_lake, NOON, calm)
    decode(any_lake, raw)
    assert events_bytes(any_lake) == {}
    decode(any_lake, land(any_lake, NOON, wild))
    assert spans(found(any_lake)) == [(0.1, 15.0)]
    footer = parquet.read_footer(parquet.open_object(*reversed(events_bytes(any_lake).popitem())))
    assert footer["raw_key"] == raw.key
    assert footer["rules_digest"] == load_rules(any_lake).of(V).digest
    decode(any_lake, land(any_lake, NOON, calm))
    assert events_bytes(any_lake) == {}


def test_rules_that_change_are_applied_to_what_is_decoded(any_lake: Store) -> None:
    use_rules(any_lake, FAST)
    raws = [
        land(any_lake, MIDNIGHT - 5 * SECOND, [120] * 80 + [150] * 200),
        land(any_lake, MIDNIGHT + 60 * SECOND, [0] * 5),
    ]
    decode(any_lake, *raws)
    decoded = {info.key: any_lake.get(info.key) for info in any_lake.list_objects("decoded/")}
    first = events_bytes(any_lake)
    days = ledger.partitions(any_lake, V, layout.DECODED)

    def apply() -> list[tuple[int, int, int]]:
        applied = [apply_rules(any_lake, day, load_rules(any_lake).of(V)) for day in days]
        assert [item.skipped for item in applied] == [{}, {}]
        return [(item.objects, item.written, item.removed) for item in applied]

    assert apply() == [(1, 1, 0), (2, 1, 0)]
    assert events_bytes(any_lake) == first, "the same bytes as decoding writes"
    use_rules(any_lake, FAST.replace("> 100", "> 140"))
    assert apply() == [(1, 0, 1), (2, 1, 0)]
    again = events_bytes(any_lake)
    assert {verdict.stale for verdict in find_stale(any_lake, Databases.load(any_lake))} == {""}
    assert spans(found(any_lake), MIDNIGHT) == [(3, 22.9)]
    decode(any_lake, *raws)
    assert events_bytes(any_lake) == again
    any_lake.delete(layout.RULES)
    assert apply() == [(1, 0, 0), (2, 0, 1)]
    assert events_bytes(any_lake) == {}
    assert {info.key: any_lake.get(info.key) for info in any_lake.list_objects("decoded/")} == decoded


def test_what_two_wordings_of_a_rule_found_stays_apart(folder_lake: Store) -> None:
    use_rules(folder_lake, FAST)
    decode(folder_lake, land(folder_lake, NOON, [120] * 600))
    use_rules(folder_lake, FAST.replace("> 100", "> 110"))
    decode(folder_lake, land(folder_lake, NOON + 60 * SECOND, [120] * 600))
    assert spans(found(folder_lake)) == [(0, 59.9), (60, 119.9)]


def test_an_object_in_several_batches_is_judged_whole(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(folder_lake, "rules:\n- Motor_RPM outside 100..300 for 2s\n- Motor_Torque >= 0\n")
    monkeypatch.setattr(parquet.read_raw_batches, "__defaults__", (700,))
    chance = random.Random(5)
    speeds = [chance.choice([50, 200]) for _ in range(300)] + [400] * 2000 + [200]
    decode(folder_lake, land(folder_lake, NOON, speeds))
    before = events_bytes(folder_lake)
    (long, always) = sorted(found(folder_lake), key=lambda event: event.samples)
    assert spans([long, always]) == [(30, 229.9), (0, 230)]
    apply_rules(folder_lake, Partition.containing(V, NOON), load_rules(folder_lake).of(V))
    assert events_bytes(folder_lake) == before


def test_channels_are_judged_one_by_one(folder_lake: Store) -> None:
    use_rules(folder_lake, FAST)
    one = land(folder_lake, NOON, [120] * 150, channel="can0")
    fast = parquet.read_raw(folder_lake.get(one.key), "")
    land(folder_lake, NOON, [0] * 150, channel="can1")  # under the same key
    calm = parquet.read_raw(folder_lake.get(one.key), "")
    folder_lake.put(one.key, parquet.write_raw(pa.concat_tables([fast, calm])))
    decode(folder_lake, one)
    (event,) = found(folder_lake)
    assert (event.series.channel, event.samples) == ("can0", 150)


def test_only_the_vehicles_that_a_rule_names(folder_lake: Store) -> None:
    use_rules(folder_lake, FAST + "  vehicles: [EV_00*]\n")
    for vehicle in ("EV_001", "EV_010"):
        decode(folder_lake, land(folder_lake, NOON, [120] * 200, vehicle=vehicle))
    assert spans(found(folder_lake)) == [(0, 19.9)]
    assert found(folder_lake, vehicle="EV_010") == []


def test_rules_that_cannot_be_read_stop_no_row(folder_lake: Store, caplog: pytest.LogCaptureFixture) -> None:
    use_rules(folder_lake, FAST)
    raw = land(folder_lake, NOON, [120] * 200)
    decode(folder_lake, raw)
    before = events_bytes(folder_lake)
    use_rules(folder_lake, "rules:\n- nonsense\n")
    decode(folder_lake, raw)
    assert events_bytes(folder_lake) == before
    assert "dbc/rules.yaml line 2" in caplog.text
    assert ledger.read_ledger(folder_lake, raw.partition).pending == []


def test_broken_and_foreign_events_are_skipped_and_counted(folder_lake: Store) -> None:
    use_rules(folder_lake, FAST)
    raws = [land(folder_lake, NOON + n * 60 * SECOND, [120] * 200) for n in range(2)]
    decode(folder_lake, *raws)
    key = DecodedObject(raws[0].partition, raws[0].stem).events_key
    folder_lake.put(key, folder_lake.get(key)[:-9])
    folder_lake.put(f"{raws[0].partition.prefix(layout.EVENTS)}notes.txt", b"not ours")
    answer = EventReader(folder_lake).events(V, *EVER)
    assert (spans(answer.events), answer.skipped_objects) == ([(60, 79.9)], 1)
    # what cannot be read again keeps what was found in it
    folder_lake.put(raws[0].decoded_key, b"torn")
    applied = apply_rules(folder_lake, raws[0].partition, load_rules(folder_lake).of(V))
    assert (applied.objects, applied.written, list(applied.skipped)) == (2, 1, [raws[0].decoded_key])
    # and what was found in an object that is gone, goes
    folder_lake.delete(raws[1].decoded_key)
    apply_rules(folder_lake, raws[0].partition, load_rules(folder_lake).of(V))
    assert list(events_objects(folder_lake, raws[0].partition)) == [
        DecodedObject(raws[0].partition, raws[0].stem)
    ]
