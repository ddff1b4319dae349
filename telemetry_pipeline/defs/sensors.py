"""The sensors that start decoding: a doorbell that rings when something waits, and rounds that find what was missed.

Neither carries keys or keeps a cursor: what waits is in the inbox, how far the rounds are is in the lake.
"""

import time
from typing import TYPE_CHECKING, Final

import dagster as dg

from telemetry_pipeline.defs.heartbeat import DEAD_AFTER_S, is_alive
from telemetry_pipeline.defs.jobs import DRAIN, RECONCILE
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.reconcile import reconcile

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_WAITING: Final = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
RECONCILE_S: Final = 3.0
"""How long one look for overdue objects goes on, every minute."""

_RUNNING: Final = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def doorbell(job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Ask for one drain run when raw objects wait and none is in flight.

    Args:
        job: The drain job.
    """

    @dg.sensor(
        name="raw_landed",
        job=job,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Rings when raw objects wait; one drain run then decodes all of them.",
    )
    def raw_landed(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.RunRequest | dg.SkipReason:
        if busy := _in_flight(context.instance, lake.store(), DRAIN):
            return dg.SkipReason(f"drain run {busy} is in flight")
        with lake.inbox() as inbox:
            if not inbox.rings():
                return dg.SkipReason("nothing waits")
        return dg.RunRequest()

    return raw_landed


def reconciliation(job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Go on with the rounds through the lake; ask for a run when something is overdue.

    Args:
        job: The job that decodes what was missed.
    """

    @dg.sensor(
        name="reconcile",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Compares raw with decoded and quarantined, partition by partition; finds what nobody announced.",
    )
    def reconcile_lake(
        context: dg.SensorEvaluationContext, lake: LakeResource
    ) -> dg.RunRequest | dg.SkipReason:
        store = lake.store()
        if busy := _in_flight(context.instance, store, RECONCILE):
            return dg.SkipReason(f"run {busy} decodes what was missed")
        look = reconcile(store, budget_s=RECONCILE_S)
        context.log.info("%d partitions compared, %d objects overdue", look.examined, look.objects)
        if not look.missed:
            return dg.SkipReason(f"{look.examined} partitions compared, nothing overdue")
        return dg.RunRequest()

    return reconcile_lake


def _in_flight(instance: dg.DagsterInstance, store: Store, job: str) -> str | None:
    """The run of a job that is queued or alive. One that gives no sign of life any more is declared failed."""
    for record in instance.get_run_records(dg.RunsFilter(job_name=job, statuses=[*_WAITING, *_RUNNING])):
        run = record.dagster_run
        young = record.start_time is not None and time.time() - record.start_time < DEAD_AFTER_S
        if run.status in _WAITING or young or is_alive(store, run.run_id):
            return run.run_id
        instance.report_run_failed(run, "Its process is gone: no sign of life for a minute.")
    return None
