"""The doorbell: it rings when something waits, carries no keys, and starts at most one drain at a time."""

from typing import Final

import dagster as dg

from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.defs.resources import LakeResource

_IN_FLIGHT: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def doorbell(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
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
        in_flight = dg.RunsFilter(job_name=DRAIN, statuses=_IN_FLIGHT)
        if busy := context.instance.get_runs_count(in_flight):
            return dg.SkipReason(f"{busy} drain run in flight")
        inbox = lake.inbox()
        waiting = inbox.waiting(1)
        inbox.save()
        if not waiting:
            return dg.SkipReason("nothing waits")
        return dg.RunRequest()

    return raw_landed
