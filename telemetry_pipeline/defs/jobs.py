"""The drain job: `decoded_signals` without a partition key, in one process."""

from typing import TYPE_CHECKING, Final

import dagster as dg

from telemetry_pipeline.defs.assets import DECODED_SIGNALS

if TYPE_CHECKING:
    # Dagster gives this object out of its public function, but does not export its type
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

DRAIN: Final = "decode_drain"


def drain_job() -> "UnresolvedAssetJobDefinition":
    """Decode everything that waits, as one run."""
    return dg.define_asset_job(
        DRAIN,
        selection=dg.AssetSelection.assets(DECODED_SIGNALS),
        # a process for each step doubles the cost of a run, and there is one step
        executor_def=dg.in_process_executor,
        tags={"can_telemetry/mode": "drain", "dagster/max_runtime": "1800"},
        description="Decode every raw object that waits, whatever its partition.",
    )
