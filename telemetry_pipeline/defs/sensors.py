"""The doorbell: it rings when something waits, carries no keys, and starts at most one drain at a time."""

import time
from typing import TYPE_CHECKING, Final

import dagster as dg

from telemetry_pipeline.defs.heartbeat import DEAD_AFTER_S, is_alive
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake.store import Store

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_WAITING: Final = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
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
        store = lake.store()
        if busy := _in_flight(context.instance, store):
            return dg.SkipReason(f"drain run {busy} is in flight")
        inbox = open_inbox(store)
        waiting = inbox.waiting(1)
        inbox.save()
        if not waiting:
            return dg.SkipReason("nothing waits")
        return dg.RunRequest()

    return raw_landed


def _in_flight(instance: dg.DagsterInstance, store: Store) -> str | None:
    """The drain run that is queued or alive. One that gives no sign of life any more is declared failed."""
    for record in instance.get_run_records(dg.RunsFilter(job_name=DRAIN, statuses=[*_WAITING, *_RUNNING])):
        run = record.dagster_run
        young = record.start_time is not None and time.time() - record.start_time < DEAD_AFTER_S
        if run.status in _WAITING or young or is_alive(store, run.run_id):
            return run.run_id
        instance.report_run_failed(run, "Its process is gone: no sign of life for a minute.")
    return None
