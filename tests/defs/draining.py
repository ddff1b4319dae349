"""A drain as the doorbell starts it, in this process."""

import dagster as dg

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs.jobs import DRAIN
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings


def drain(
    lake: Store | Settings, instance: dg.DagsterInstance, **config: object
) -> dg.ExecuteInProcessResult:
    """Decode what waits, and do not linger for more.

    Args:
        lake: Which one; settings where more is set than its URL.
        instance: Dagster's books.
        config: What else the drain is told.
    """
    settings = Settings(lake=lake.url) if isinstance(lake, Store) else lake
    job = build_definitions(settings).resolve_job_def(DRAIN)
    run_config = {"ops": {"decoded_signals": {"config": {"linger_s": 0.0, **config}}}}
    return job.execute_in_process(run_config=run_config, instance=instance, raise_on_error=False)
