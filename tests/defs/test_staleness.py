"""The check `stale` in a real Dagster instance: asked for when databases change, and seen until it is mended."""

import time

import dagster as dg
import pytest

from telemetry_pipeline import made_by
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import staleness
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.findings import FINDINGS
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.settings import Settings
from tests.raw_lake import EV_DBC, NOON, add_dbc, land

STALE = dg.AssetCheckKey(DECODED_SIGNALS, staleness.STALE)
EXTRA = b"\nBO_ 2047 Extra: 8 Vector__XXX\n"


def decode(store: Store, *raws: RawObject) -> None:
    assert all(item.report for item in process_objects(store, Databases.load(store), raws))


def tick(store: Store, instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    defs = build_definitions(Settings(lake=store.url))
    sensor = defs.resolve_sensor_def("look_for_stale")
    with dg.build_sensor_context(instance=instance, resources=defs.resources, cursor=cursor) as context:
        answer = sensor(context)
    assert isinstance(answer, dg.SensorResult)
    return answer


def look(store: Store, instance: dg.DagsterInstance, answer: dg.SensorResult) -> None:
    """What the daemon does with the sensor's wish."""
    (request,) = answer.run_requests or []
    job = build_definitions(Settings(lake=store.url)).resolve_job_def(staleness.JOB)
    assert job.execute_in_process(instance=instance, tags=request.tags).success


def newest(instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
    record = instance.get_latest_asset_check_evaluation_record(STALE)
    assert record is not None
    assert record.evaluation is not None
    return record.evaluation


def stale(instance: dg.DagsterInstance) -> list[str]:
    evaluation = newest(instance)
    listed = sorted(evaluation.metadata[FINDINGS].value)
    assert evaluation.passed == (not listed)
    return listed


def test_a_changed_database_is_looked_after_once(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    folder_lake.put("dbc/other.dbc", EV_DBC.read_bytes())
    folder_lake.put(
        layout.BINDINGS,
        b"bindings: [{vehicles: EV_1, dbc: ev_powertrain.dbc}, {vehicles: EV_2, dbc: other.dbc}]",
    )
    decode(
        folder_lake,
        *(land(folder_lake, v, NOON + day * DAY_NS, 20) for v in ("EV_1", "EV_2") for day in (0, 1)),
    )
    first = tick(folder_lake, instance, None)
    look(folder_lake, instance, first)
    assert stale(instance) == []
    assert newest(instance).description == "0 of 4 partitions are stale."
    folder_lake.put(layout.THRESHOLDS, b"")
    assert not tick(folder_lake, instance, first.cursor).run_requests
    folder_lake.put("dbc/other.dbc", EV_DBC.read_bytes() + EXTRA)
    changed = tick(folder_lake, instance, first.cursor)
    look(folder_lake, instance, changed)
    assert stale(instance) == ["2026-02-23|EV_2", "2026-02-24|EV_2"]
    shown = newest(instance)
    assert shown.metadata["stale"].value == 2
    assert shown.metadata["table"].records[0].data == {
        "partition": "2026-02-24|EV_2",
        "finding": "other.dbc changed",
    }
    assert "telemetry stale --launch" in str(shown.description)
    assert not tick(folder_lake, instance, changed.cursor).run_requests


def test_what_is_stale_is_looked_at_again_until_it_is_mended(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, vehicle, NOON, 20) for vehicle in ("EV_1", "EV_2")]
    decode(folder_lake, *raws)
    add_dbc_changed(folder_lake)
    answer = tick(folder_lake, instance, None)
    look(folder_lake, instance, answer)
    assert len(stale(instance)) == 2
    monkeypatch.setattr(staleness, "AGAIN_S", -1.0)
    decode(folder_lake, raws[0])
    answer = tick(folder_lake, instance, answer.cursor)
    look(folder_lake, instance, answer)
    assert stale(instance) == ["2026-02-23|EV_2"]
    assert newest(instance).description == (
        "1 of 2 partitions are stale. Decode them again with: telemetry stale --launch"
    )
    decode(folder_lake, raws[1])
    answer = tick(folder_lake, instance, answer.cursor)
    look(folder_lake, instance, answer)
    assert stale(instance) == []
    assert not tick(folder_lake, instance, answer.cursor).run_requests


def test_a_lake_that_begins_is_looked_at_when_something_is_decoded(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1", NOON, 20)
    empty = tick(folder_lake, instance, None)
    assert not empty.run_requests
    assert empty.skip_reason is not None
    decode(folder_lake, raw)
    first = tick(folder_lake, instance, empty.cursor)
    look(folder_lake, instance, first)
    assert newest(instance).description == "0 of 1 partitions are stale."
    folder_lake.delete(raw.decoded_key)  # what is known of is looked at though nothing is left
    add_dbc_changed(folder_lake)
    assert tick(folder_lake, instance, first.cursor).run_requests


def add_dbc_changed(store: Store) -> None:
    store.put(f"dbc/{EV_DBC.name}", EV_DBC.read_bytes() + EXTRA)


def test_one_look_at_a_time(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, "EV_1", NOON, 20))
    job = build_definitions(Settings(lake=folder_lake.url)).resolve_job_def(staleness.JOB)
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
    answer = tick(folder_lake, instance, None)
    assert not answer.run_requests
    assert answer.cursor is None


def test_a_day_later_everything_is_looked_at(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, "EV_1", NOON, 20))
    first = tick(folder_lake, instance, None)
    real = time.time
    monkeypatch.setattr(staleness.time, "time", lambda: real() + 86_401)
    assert tick(folder_lake, instance, first.cursor).run_requests


def test_another_decoder_is_looked_after(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, "EV_1", NOON, 20))
    first = tick(folder_lake, instance, None)
    for module in (staleness, made_by):
        monkeypatch.setattr(module, "DECODER_VERSION", "99")
    answer = tick(folder_lake, instance, first.cursor)
    look(folder_lake, instance, answer)
    assert stale(instance) == ["2026-02-23|EV_1"]


def test_a_backfill_does_not_hide_what_is_stale(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, vehicle, NOON, 20) for vehicle in ("EV_1", "EV_2")]
    decode(folder_lake, *raws)
    add_dbc_changed(folder_lake)
    look(folder_lake, instance, tick(folder_lake, instance, None))
    instance.add_dynamic_partitions("vehicle_id", ["EV_1", "EV_2"])
    job = build_definitions(Settings(lake=folder_lake.url)).resolve_implicit_global_asset_job_def()
    subset = job.get_subset(asset_selection={DECODED_SIGNALS})
    key = to_key(raws[0].partition)
    assert subset.execute_in_process(instance=instance, partition_key=key).success
    # the run has planned the check and skipped it: what is known is told again
    assert stale(instance) == ["2026-02-23|EV_1", "2026-02-23|EV_2"]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"listed": {"?": ""}, "judged": 1, "count": 1, "blocked": {}}']
)
def test_a_damaged_memory_costs_a_whole_look(
    folder_lake: Store, instance: dg.DagsterInstance, damage: bytes
) -> None:
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, "EV_1", NOON, 20))
    folder_lake.put("_state/stale.json", damage)
    look(folder_lake, instance, tick(folder_lake, instance, "{"))
    assert stale(instance) == []


def test_what_cannot_be_decoded_today_is_told_and_is_not_stale(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, "EV_1", NOON, 20))
    folder_lake.delete(f"dbc/{EV_DBC.name}")
    look(folder_lake, instance, tick(folder_lake, instance, None))
    assert stale(instance) == []
    assert "1 cannot be decoded today: " in str(newest(instance).description)
