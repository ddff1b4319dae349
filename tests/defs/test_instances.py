"""The instance files that we ship, as Dagster reads them: where its books are, and who waits for whom."""

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import TickStatus

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs.assets import MODE
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings

ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(
        GrpcServerCodeLocationOrigin(location_name="can_telemetry", host="code", port=4266), "__repository__"
    ),
    DRAIN,
)


def backfill_limit(instance: dg.DagsterInstance) -> int:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue
    (limit,) = [item for item in queue.tag_concurrency_limits if item["key"] == "dagster/backfill"]
    return limit["limit"]


def dequeued(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs that Dagster's own coordinator would launch now."""
    # slow to import: it brings the whole daemon
    from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    return daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)


def test_a_backfill_never_takes_the_place_of_live_decoding(
    folder_lake: Store, shipped_instance: dg.DagsterInstance
) -> None:
    job = build_definitions(Settings(lake=folder_lake.url)).resolve_job_def(DRAIN)

    def queue(**tags: str) -> str:
        given = {name.replace("__", "/"): value for name, value in tags.items()}
        run = shipped_instance.create_run_for_job(
            job, status=dg.DagsterRunStatus.QUEUED, tags=given, remote_job_origin=ORIGIN
        )
        return run.run_id

    limit = backfill_limit(shipped_instance)
    for _ in range(limit + 2):
        queue(dagster__backfill="year")
    for mode in ("reconcile", "roll_up", "retention"):
        queue(**{MODE: mode}), queue(**{MODE: mode})
    began = dequeued(shipped_instance)
    modes = sorted(run.tags.get(MODE, "backfill") for run in began)
    assert modes == sorted(["backfill"] * limit + ["reconcile", "roll_up", "retention"])
    for run in began:
        shipped_instance.report_run_canceling(run)  # still in progress, as a run is that works
    assert dequeued(shipped_instance) == []

    live = queue(**{MODE: "drain", "dagster/priority": "10"})
    queue(**{MODE: "drain", "dagster/priority": "10"})
    assert [run.run_id for run in dequeued(shipped_instance)] == [live]


def test_a_run_that_hangs_is_ended_and_one_whose_process_died_is_begun_again(
    shipped_instance: dg.DagsterInstance,
) -> None:
    assert shipped_instance.run_monitoring_enabled
    assert shipped_instance.run_monitoring_start_timeout_seconds == 300
    assert shipped_instance.run_monitoring_max_runtime_seconds == 4 * 3600
    assert shipped_instance.run_retries_enabled
    assert shipped_instance.run_retries_max_retries == 2
    assert not shipped_instance.run_retries_retry_on_asset_or_op_failure
    assert not shipped_instance.telemetry_enabled


def test_ticks_are_not_kept_for_ever(shipped_instance: dg.DagsterInstance) -> None:
    for kind in (
        InstigatorType.SENSOR,
        InstigatorType.SCHEDULE,
    ):
        days = shipped_instance.get_tick_retention_settings(kind)
        assert all(0 < days[status] <= 30 for status in days if status is not TickStatus.STARTED)


def test_an_instance_goes_to_a_run_as_it_is(shipped_instance: dg.DagsterInstance) -> None:
    ref = shipped_instance.get_ref()
    with dg.DagsterInstance.from_ref(InstanceRef.from_dict(ref.to_dict())) as other:
        assert type(other.run_storage) is type(shipped_instance.run_storage)
        assert other.get_run_records() == []
