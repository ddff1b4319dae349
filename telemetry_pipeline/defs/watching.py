"""Everything that watches what was decoded: asset checks, and the sensors that ask for them or tell of them."""

import dagster as dg

from telemetry_pipeline.defs.alerts import alerts
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.checks import daily_checks, quality_checks, quality_job
from telemetry_pipeline.defs.freshness import freshness_check, vehicle_silence
from telemetry_pipeline.defs.lineage import RAW_FRAMES
from telemetry_pipeline.defs.staleness import look_for_stale, stale_check, stale_job
from telemetry_pipeline.settings import Settings


def watching(settings: Settings) -> dg.Definitions:
    """The definitions to be merged with those of the assets.

    Args:
        settings: Where alerts are told.
    """
    stale, quality = stale_job(DECODED_SIGNALS), quality_job(DECODED_SIGNALS)
    return dg.Definitions(
        asset_checks=[
            quality_checks(DECODED_SIGNALS),
            stale_check(DECODED_SIGNALS),
            freshness_check(RAW_FRAMES),
        ],
        jobs=[stale, quality],
        schedules=[daily_checks(quality)],
        sensors=[look_for_stale(stale), vehicle_silence(RAW_FRAMES), alerts(settings)],
    )
