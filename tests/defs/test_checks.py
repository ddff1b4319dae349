"""The asset checks in a real Dagster instance: what one partition fails stays failed until that partition is well."""

import time
from functools import partial

import dagster as dg
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import checks, findings
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.health.judge import CHECKS
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.settings import Settings
from tests.defs import draining
from tests.raw_lake import NOON, SECOND, add_dbc, land

drain = partial(draining.drain, processes=1)


def run_assets(
    store: Store, instance: dg.DagsterInstance, key: str | None = None
) -> dg.ExecuteInProcessResult:
    """What the UI starts: a backfill's run of a partition with its checks, or checks alone."""
    job = build_definitions(Settings(lake=store.url)).resolve_implicit_global_asset_job_def()
    if key is None:
        asset_checks = {dg.AssetCheckKey(DECODED_SIGNALS, name) for name in CHECKS}
        return instance_run(job.get_subset(asset_check_selection=asset_checks), instance)
    subset = job.get_subset(asset_selection={DECODED_SIGNALS}, asset_check_selection=None)
    return instance_run(subset, instance, partition_key=key)


def instance_run(
    job: dg.JobDefinition, instance: dg.DagsterInstance, partition_key: str | None = None
) -> dg.ExecuteInProcessResult:
    return job.execute_in_process(instance=instance, partition_key=partition_key, raise_on_error=False)


def newest(instance: dg.DagsterInstance, name: str) -> dg.AssetCheckEvaluation:
    """What a check's page shows."""
    record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(DECODED_SIGNALS, name))
    assert record is not None
    assert record.evaluation is not None, record.status
    return record.evaluation


def failing(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    """The partitions that each check finds, as its newest evaluation lists them."""
    found = {}
    for name in CHECKS:
        evaluation = newest(instance, name)
        listed = list(evaluation.metadata[findings.FINDINGS].value)
        assert evaluation.passed == (not listed)
        assert evaluation.partition is None
        if listed:
            found[name] = listed
    return found


def poison(store: Store, vehicle: str, at_ns: int = NOON) -> RawObject:
    raw = land(store, vehicle, at_ns)
    store.put(raw.key, b"PAR1 torn")
    return raw


def test_a_poisoned_object_fails_the_check_of_its_partition_alone(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    bad = poison(folder_lake, "EV_1")
    land(folder_lake, "EV_2")
    result = drain(folder_lake, instance)
    assert result.success
    (event,) = result.get_asset_check_evaluations()
    assert (event.check_name, event.partition, event.passed) == ("quarantine", to_key(bad.partition), False)
    assert "not a readable Parquet file" in str(event.description)
    assert failing(instance) == {"quarantine": ["2026-02-23|EV_1"]}
    shown = newest(instance, "quarantine")
    assert shown.severity is dg.AssetCheckSeverity.WARN
    assert shown.metadata["table"].records[0].data["partition"] == "2026-02-23|EV_1"


def test_later_drains_of_others_leave_the_finding_as_it_is(
    folder_lake: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    poison(folder_lake, "EV_1")
    drain(folder_lake, instance)
    first = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(DECODED_SIGNALS, "quarantine"))
    for minute in range(1, 3):
        land(folder_lake, "EV_1", NOON + minute * 60 * SECOND)
        land(folder_lake, "EV_2", NOON + minute * 60 * SECOND)
        drain(folder_lake, instance)
    drain(folder_lake, instance)  # nothing waits
    assert failing(instance) == {"quarantine": ["2026-02-23|EV_1"]}
    again = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(DECODED_SIGNALS, "quarantine"))
    assert first is not None
    assert again is not None
    assert again.id == first.id  # what has not changed is not told again
    monkeypatch.setattr(findings, "REPEAT_S", -1.0)
    drain(folder_lake, instance)
    assert failing(instance) == {"quarantine": ["2026-02-23|EV_1"]}
    later = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(DECODED_SIGNALS, "quarantine"))
    assert later is not None
    assert later.id > first.id


def test_pruning_the_run_that_found_it_takes_nothing_away(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    poison(folder_lake, "EV_1")
    result = drain(folder_lake, instance)
    instance.delete_run(result.run_id)
    assert failing(instance) == {"quarantine": ["2026-02-23|EV_1"]}


def test_a_backfill_of_the_mended_partition_resolves_it(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    bad, other = poison(folder_lake, "EV_1"), poison(folder_lake, "EV_2")
    drain(folder_lake, instance)
    folder_lake.delete(bad.quarantine_key)
    land(folder_lake, "EV_1")
    result = run_assets(folder_lake, instance, to_key(bad.partition))
    assert result.success
    assert failing(instance) == {"quarantine": [to_key(other.partition)]}
    resolved = [item for item in result.get_asset_check_evaluations() if item.partition is not None]
    assert [(item.check_name, item.partition, item.passed) for item in resolved] == [
        ("quarantine", to_key(bad.partition), True)
    ]


def test_a_backfill_of_another_partition_hides_nothing(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    poison(folder_lake, "EV_1")
    good = land(folder_lake, "EV_2")
    drain(folder_lake, instance)
    assert run_assets(folder_lake, instance, to_key(good.partition)).success
    assert failing(instance) == {"quarantine": ["2026-02-23|EV_1"]}


def test_the_checks_can_be_asked_by_themselves_and_use_todays_thresholds(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1", arb_id=0x7AA)
    land(folder_lake, "EV_2")
    drain(folder_lake, instance)
    assert failing(instance) == {"unknown_id_share": ["2026-02-23|EV_1"]}
    folder_lake.put(layout.THRESHOLDS, b"vehicles: [{vehicles: EV_1, unknown_id_share: 1}]")
    assert run_assets(folder_lake, instance).success
    assert failing(instance) == {}


def test_once_a_day_the_checks_are_asked(folder_lake: Store, instance: dg.DagsterInstance) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1", arb_id=0x7AA)
    drain(folder_lake, instance)
    folder_lake.put(layout.THRESHOLDS, b"defaults: {unknown_id_share: 1}")
    defs = build_definitions(Settings(lake=folder_lake.url))
    schedule = defs.resolve_schedule_def("daily_checks")
    assert (schedule.cron_schedule, schedule.job_name) == ("20 4 * * *", checks.JOB)
    assert defs.resolve_job_def(checks.JOB).execute_in_process(instance=instance).success
    assert failing(instance) == {}


def test_thresholds_that_cannot_be_used_are_told_and_the_defaults_hold(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    folder_lake.put(layout.THRESHOLDS, b"defaults: {gap: soon}")
    land(folder_lake, "EV_1", arb_id=0x7AA)
    assert drain(folder_lake, instance).success
    assert failing(instance) == {"unknown_id_share": ["2026-02-23|EV_1"]}
    assert "dbc/thresholds.yaml defaults gap: 'soon' is not a duration" in str(
        newest(instance, "unknown_id_share").description
    )


def test_what_others_have_decoded_is_counted_when_the_checks_are_asked(
    folder_lake: Store, instance: dg.DagsterInstance
) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1", time.time_ns() - SECOND, 10, arb_id=0x7AA, step_ns=1000)
    assert all(item.report for item in process_objects(folder_lake, Databases.load(folder_lake), [raw]))
    assert run_assets(folder_lake, instance).success
    assert failing(instance) == {"unknown_id_share": [to_key(raw.partition)]}
