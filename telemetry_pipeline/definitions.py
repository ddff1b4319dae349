"""The door for Dagster: `workspace.yaml` points here."""

import datetime as dt

import dagster as dg

from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.assets import decoded_signals
from telemetry_pipeline.defs.databases import databases_changed
from telemetry_pipeline.defs.fleet_daily import fleet_daily
from telemetry_pipeline.defs.following import partitions_touched
from telemetry_pipeline.defs.glue import CatalogResource, glue_partitions
from telemetry_pipeline.defs.jobs import drain_job, reconcile_job
from telemetry_pipeline.defs.lifeless import lifeless_runs
from telemetry_pipeline.defs.partitions import first_tracked_day, vehicle_days
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.retention import daily, retention_job
from telemetry_pipeline.defs.roll_up import days_settled, nightly, roll_up_job
from telemetry_pipeline.defs.sensors import doorbell, reconciliation
from telemetry_pipeline.defs.series import signal_series
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
    drain, missed, roll_up, retention = drain_job(), reconcile_job(), roll_up_job(), retention_job()
    catalog = open_catalog(settings.lake, settings.catalog, endpoint_url=settings.endpoint_url)
    decoding = dg.Definitions(
        assets=[
            lineage.dbc(),
            lineage.raw_frames(),
            decoded_signals(partitions),
            *([glue_partitions(partitions)] if catalog else []),  # a folder has no catalogue
            signal_series(partitions),
            fleet_daily(partitions),
        ],
        jobs=[drain, missed, roll_up, retention],
        sensors=[
            doorbell(drain),
            reconciliation(missed),
            databases_changed(),
            partitions_touched(with_catalog=catalog is not None),
            days_settled(),
            lifeless_runs(),
        ],
        schedules=[nightly(), daily(retention)],
        resources={"lake": LakeResource.of(settings), "catalog": CatalogResource.of(settings)},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(decoding, watching(settings))


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the lake that the environment names."""
    return build_definitions(Settings.from_env())
