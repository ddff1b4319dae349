"""How long Dagster remembers runs: its books grow by every run, and nothing of its own ever removes one.

Partitions stay materialized, for drains and reconciliation report theirs without a run. A backfill's runs are kept:
their events would go with them. Ticks are pruned by the instance's own `retention`.
"""

import datetime as dt
from pathlib import Path
from typing import Final

import dagster as dg

from telemetry_pipeline.defs.assets import MODE
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.pipes import SESSIONS

RETENTION: Final = "retention"
PRUNED: Final = ("drain", "reconcile", RETENTION)
"""The modes whose runs hold nothing that is not held elsewhere."""

KEPT: Final = 10
"""The newest runs of each mode stay, however old: a fleet that rests still shows what it did last."""

_DONE: Final = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]
_FAILED: Final = [dg.DagsterRunStatus.FAILURE]
_BACKFILL_TAG: Final = "dagster/backfill"


class RetentionConfig(dg.Config):
    """How many days a run is kept that succeeded or was cancelled, and one that failed; how many go at once."""

    done_days: float = 3.0
    failed_days: float = 14.0
    limit: int = 5_000


def retention_job() -> dg.JobDefinition:
    """Remove old runs with their events and their logs."""

    @dg.op(name="prune_runs")
    def prune_runs(context: dg.OpExecutionContext, config: RetentionConfig, lake: LakeResource) -> None:
        store = lake.store()
        with beating(store, context.run_id):
            removed = prune(context.instance, store, config, dt.datetime.now(dt.UTC))
        context.log.info("%d runs removed", removed)

    @dg.job(
        name=RETENTION,
        executor_def=dg.in_process_executor,
        tags={MODE: RETENTION, "dagster/priority": "-20", "dagster/max_runtime": "3600"},
        description="Remove old drain and reconciliation runs with their events and logs.",
    )
    def retention() -> None:
        prune_runs()

    return retention


def daily(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Once a day, when least is driven."""
    return dg.ScheduleDefinition(
        name="prune_daily",
        job=job,
        cron_schedule="5 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Removes runs that have become old.",
    )


def prune(instance: dg.DagsterInstance, store: Store, config: RetentionConfig, now: dt.datetime) -> int:
    """Remove runs that were created too long ago.

    Args:
        instance: Dagster's books.
        store: The lake, where a run that was killed may have left messages.
        config: How old is too old.
        now: The time.

    Returns:
        How many runs were removed.
    """
    removed = 0
    for mode in PRUNED:
        newest = {record.dagster_run.run_id for record in instance.get_run_records(_of(mode), limit=KEPT)}
        for statuses, days in ((_DONE, config.done_days), (_FAILED, config.failed_days)):
            old = _of(mode, statuses, now - dt.timedelta(days=days))
            for record in instance.get_run_records(old, limit=config.limit, ascending=True):
                run = record.dagster_run
                if removed < config.limit and run.run_id not in newest and _BACKFILL_TAG not in run.tags:
                    _remove(instance, store, run.run_id)
                    removed += 1
    return removed


def _of(
    mode: str, statuses: list[dg.DagsterRunStatus] | None = None, before: dt.datetime | None = None
) -> dg.RunsFilter:
    return dg.RunsFilter(tags={MODE: mode}, statuses=statuses, created_before=before)


def _remove(instance: dg.DagsterInstance, store: Store, run_id: str) -> None:
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    for info in list(store.list_objects(f"{SESSIONS}{run_id}/")):
        store.delete(info.key)
    instance.delete_run(run_id)
    # SQLite keeps each run's events in a file of their own, which is left behind empty
    if file_of := getattr(instance.event_log_storage, "path_for_shard", None):
        Path(file_of(run_id)).unlink(missing_ok=True)
