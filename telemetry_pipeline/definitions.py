"""The door for Dagster: `workspace.yaml` points here."""

import datetime as dt

import dagster as dg

from telemetry_pipeline.defs.assets import decoded_signals, raw_frames
from telemetry_pipeline.defs.jobs import drain_job, reconcile_job
from telemetry_pipeline.defs.partitions import first_tracked_day, vehicle_days
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.retention import daily, retention_job
from telemetry_pipeline.defs.sensors import doorbell, reconciliation
from telemetry_pipeline.defs.watching import watching
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Everything that Dagster serves for one lake.

    Args:
        settings: Which lake, and from which day on its partitions are tracked.
    """
    first = settings.track_from
    if first is None:
        store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
        today = dt.datetime.now(dt.UTC).date()
        first = first_tracked_day(today, len(ledger.vehicles(store)))
    partitions = vehicle_days(first)
    drain, missed, retention = drain_job(), reconcile_job(), retention_job()
    decoding = dg.Definitions(
        assets=[raw_frames(partitions), decoded_signals(partitions)],
        jobs=[drain, missed, retention],
        schedules=[daily(retention)],
        sensors=[doorbell(drain), reconciliation(missed)],
        resources={"lake": LakeResource.of(settings)},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(decoding, watching())


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the lake that the environment names."""
    return build_definitions(Settings.from_env())
