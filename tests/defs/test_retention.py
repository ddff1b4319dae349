"""Old runs go, with their events and logs; what Dagster knows of partitions stays."""

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import retention
from telemetry_pipeline.defs.assets import DECODED_SIGNALS, MODE
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.defs.retention import RETENTION, RetentionConfig, prune
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.pipes import SESSIONS
from telemetry_pipeline.settings import Settings
from tests.defs.draining import drain
from tests.raw_lake import NOON, add_dbc, land


def one_that_goes_on(store: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> str:
    """Keep the newest run of a mode alone, which is this one."""
    monkeypatch.setattr(retention, "KEPT", 1)
    job = build_definitions(Settings(lake=store.url)).resolve_job_def(DRAIN)
    return instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={MODE: "drain"}).run_id


def in_days(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=days)


def run_ids(instance: dg.DagsterInstance) -> set[str]:
    return {record.dagster_run.run_id for record in instance.get_run_records()}


def test_partitions_stay_materialized_when_their_drain_runs_go(
    folder_lake: Store, shipped_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, "EV_1", NOON + day * DAY_NS) for day in (0, 1)]
    run = drain(folder_lake, shipped_instance)
    assert run.success
    newer = one_that_goes_on(folder_lake, shipped_instance, monkeypatch)
    logs = shipped_instance.compute_log_manager
    with logs.capture_logs([run.run_id, "compute_logs", "x"]):
        print("a line of the run's log")
    kept = Path(shipped_instance.storage_directory()) if shipped_instance.storage_directory() else None
    folder_lake.put(f"{SESSIONS}{run.run_id}/x/1.json", b"left by a run that was killed")

    assert prune(shipped_instance, folder_lake, RetentionConfig(), in_days(2.9)) == 0
    assert prune(shipped_instance, folder_lake, RetentionConfig(), in_days(3.1)) == 1

    assert run_ids(shipped_instance) == {newer}
    if not hasattr(shipped_instance.event_log_storage, "path_for_shard"):  # else the whole file is gone
        assert shipped_instance.all_logs(run.run_id) == []
    partitions = shipped_instance.get_materialized_partitions(DECODED_SIGNALS)
    assert partitions == {to_key(raw.partition) for raw in raws}
    assert list(folder_lake.list_objects(SESSIONS)) == []
    if kept is not None:
        assert [path for path in kept.rglob("*") if run.run_id in str(path)] == []
    assert not logs.get_log_data([run.run_id, "compute_logs", "x"]).stdout


def test_what_failed_stays_longer_and_a_backfill_for_ever(
    folder_lake: Store, shipped_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    good = drain(folder_lake, shipped_instance)
    folder_lake.put("dbc/bindings.yaml", b"bindings: [{vehicles: EV_2, dbc: no.dbc}]")
    land(folder_lake, "EV_2")
    bad = drain(folder_lake, shipped_instance)
    assert (good.success, bad.success) == (True, False)
    job = build_definitions(Settings(lake=folder_lake.url)).resolve_implicit_global_asset_job_def()
    folder_lake.delete("dbc/bindings.yaml")
    again = job.execute_in_process(
        instance=shipped_instance, partition_key=to_key(raw.partition), tags={"dagster/backfill": "x"}
    )
    assert again.success
    newer = one_that_goes_on(folder_lake, shipped_instance, monkeypatch)
    assert prune(shipped_instance, folder_lake, RetentionConfig(), in_days(4)) == 1
    assert run_ids(shipped_instance) == {bad.run_id, again.run_id, newer}
    assert prune(shipped_instance, folder_lake, RetentionConfig(), in_days(15)) == 1
    assert run_ids(shipped_instance) == {again.run_id, newer}


def test_the_newest_runs_and_those_that_go_on_stay(
    folder_lake: Store, shipped_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT", 2)
    job = build_definitions(Settings(lake=folder_lake.url)).resolve_job_def(DRAIN)
    ended = [
        shipped_instance.create_run_for_job(
            job, status=dg.DagsterRunStatus.SUCCESS, tags={MODE: "drain"}
        ).run_id
        for _ in range(5)
    ]
    shipped_instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={MODE: "reconcile"})
    other = shipped_instance.create_run_for_job(
        job, status=dg.DagsterRunStatus.SUCCESS, tags={MODE: "roll_up"}
    )
    assert prune(shipped_instance, folder_lake, RetentionConfig(limit=2), in_days(30)) == 2
    assert prune(shipped_instance, folder_lake, RetentionConfig(), in_days(30)) == 1
    left = run_ids(shipped_instance)
    assert len(left) == 4
    assert {*ended[-2:], other.run_id} <= left


def test_the_job_is_in_the_definitions_and_runs_daily(folder_lake: Store) -> None:
    defs = build_definitions(Settings(lake=folder_lake.url))
    schedule = defs.resolve_schedule_def("prune_daily")
    assert schedule.job_name == RETENTION
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def(RETENTION).execute_in_process(instance=instance)
    assert result.success
