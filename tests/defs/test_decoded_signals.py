"""The asset in a real Dagster instance: drains, backfills, checks and the doorbell, run in this process."""

import datetime as dt
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.heartbeat import beating, is_alive
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.defs.partitions import LONG_AGO, VEHICLES, first_tracked_day, from_key, to_key
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from tests.defs.draining import drain
from tests.raw_lake import NOON, SECOND, add_dbc, land


def definitions(store: Store) -> dg.Definitions:
    return build_definitions(Settings(lake=store.url))


def materialized(instance: dg.DagsterInstance) -> dict[str, dict[str, Any]]:
    records = instance.fetch_materializations(DECODED_SIGNALS, limit=100, ascending=True).records
    return {
        record.partition_key: {
            name: value.value for name, value in record.asset_materialization.metadata.items()
        }
        for record in records
    }


def test_one_run_materializes_every_partition_that_waits(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, vehicle, NOON + day * DAY_NS) for vehicle in ("EV_1", "EV_2") for day in (0, 1)]
    assert drain(folder_lake, instance).success
    found = materialized(instance)
    assert set(found) == {to_key(raw.partition) for raw in raws}
    assert found["2026-02-23|EV_1"]["rows"] == 100
    assert found["2026-02-23|EV_1"]["decoded_share"] == 1.0
    assert set(instance.get_dynamic_partitions("vehicle_id")) == {"EV_1", "EV_2"}


def test_numbers_are_of_the_whole_partition(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1", NOON)
    drain(folder_lake, instance)
    land(folder_lake, "EV_1", NOON + 60 * SECOND, count=50)
    land(folder_lake, "EV_1", NOON + 120 * SECOND, count=5, arb_id=0x7AA)
    drain(folder_lake, instance)
    numbers = materialized(instance)["2026-02-23|EV_1"]
    assert (numbers["rows"], numbers["decoded_frames"], numbers["unknown_id"]) == (155, 150, 5)
    assert (numbers["objects"], numbers["rows_this_run"]) == (2, 55)
    assert numbers["unknown_ids"].records[0].data == {"arbitration_id": "0x7AA", "frames": 5}


def test_a_backfill_decodes_its_partitions_again(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, "EV_1", NOON + day * DAY_NS) for day in (0, 1)]
    drain(folder_lake, instance)
    for raw in raws:
        folder_lake.put(raw.decoded_key, b"damaged")
    job = definitions(folder_lake).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, partition_key=to_key(raws[0].partition))
    events = [event for event in result.all_events if event.is_step_materialization]
    assert [event.partition for event in events] == [to_key(raws[0].partition)]
    assert folder_lake.get(raws[0].decoded_key) != b"damaged"
    assert folder_lake.get(raws[1].decoded_key) == b"damaged"


def test_a_poisoned_object_is_quarantined_and_the_run_succeeds(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    good = land(folder_lake, "EV_1", NOON)
    bad = land(folder_lake, "EV_1", NOON + 60 * SECOND)
    folder_lake.put(bad.key, b"PAR1 torn")
    result = drain(folder_lake, instance)
    assert result.success
    numbers = materialized(instance)[to_key(good.partition)]
    assert (numbers["objects"], numbers["quarantined"]) == (1, 1)
    assert numbers["quarantine"].records[0].data["raw_object"] == bad.key
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == {"quarantine": False}


def test_a_partition_whose_objects_stay_pending_is_not_materialized(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    folder_lake.put(
        "dbc/bindings.yaml",
        b"bindings: [{vehicles: EV_1, dbc: ev_powertrain.dbc}, {vehicles: EV_2, dbc: no.dbc}]",
    )
    good, stuck = land(folder_lake, "EV_1"), land(folder_lake, "EV_2")
    result = drain(folder_lake, instance)
    assert not result.success
    assert set(materialized(instance)) == {to_key(good.partition)}
    assert ledger.read_ledger(folder_lake, stuck.partition).pending == [stuck]
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "no.dbc" in failure.message or "no.dbc" in str(failure.event_specific_data)


def ring(store: Store, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    defs = definitions(store)
    sensor = defs.resolve_sensor_def("raw_landed")
    with dg.build_sensor_context(instance=instance, resources=defs.resources) as context:
        answer = sensor(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_the_doorbell_rings_once_for_everything_and_carries_no_keys(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    assert isinstance(ring(folder_lake, instance), dg.SkipReason)
    for minute in range(5):
        land(folder_lake, "EV_1", NOON + minute * 60 * SECOND)
    answer = ring(folder_lake, instance)
    assert isinstance(answer, dg.RunRequest)
    assert answer.partition_key is None
    drain(folder_lake, instance)
    assert isinstance(ring(folder_lake, instance), dg.SkipReason)


def test_the_doorbell_waits_for_a_drain_that_lives(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1")
    job = definitions(folder_lake).resolve_job_def(DRAIN)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
    answer = ring(folder_lake, instance)
    assert isinstance(answer, dg.SkipReason)
    assert run.run_id in str(answer.skip_message)


def test_the_doorbell_buries_a_drain_that_was_killed(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1")
    job = definitions(folder_lake).resolve_job_def(DRAIN)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING)
    instance.report_engine_event("started", run)
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job_name=DRAIN, message="started"), run.run_id
    )
    with beating(folder_lake, run.run_id):
        assert isinstance(ring(folder_lake, instance), dg.SkipReason)
    assert is_alive(folder_lake, run.run_id)
    monkeypatch.setattr("telemetry_pipeline.defs.sensors.DEAD_AFTER_S", 0.0)
    monkeypatch.setattr("telemetry_pipeline.defs.heartbeat.DEAD_AFTER_S", 0.0)
    assert isinstance(ring(folder_lake, instance), dg.RunRequest)
    buried = instance.get_run_by_id(run.run_id)
    assert buried is not None
    assert buried.status == dg.DagsterRunStatus.FAILURE


def test_keys_go_both_ways(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    assert to_key(raw.partition) == "2026-02-23|EV_1"
    assert from_key(to_key(raw.partition)) == raw.partition
    assert VEHICLES.name == "vehicle_id"


def test_a_fleet_gets_a_window_and_a_workshop_gets_its_archive() -> None:
    today = dt.date(2026, 11, 22)
    assert first_tracked_day(today, 3) == LONG_AGO
    assert first_tracked_day(today, 1000) == dt.date(2026, 8, 24)


def test_the_definitions_load_with_a_lineage_that_reads_as_the_data_flows(folder_lake: Store) -> None:
    defs = definitions(folder_lake)
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    assert graph.get(DECODED_SIGNALS).parent_keys == {dg.AssetKey("dbc"), dg.AssetKey("raw_frames")}
    assert graph.get(dg.AssetKey("raw_frames")).is_external
