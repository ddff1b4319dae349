"""The jobs: `decoded_signals` without a partition key, in one process, of what waits or of what was missed."""

from typing import TYPE_CHECKING, Final

import dagster as dg

from telemetry_pipeline.defs.assets import DECODED_SIGNALS, MISSED, MODE

if TYPE_CHECKING:
    # Dagster gives this object out of its public function, but does not export its type
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

DRAIN: Final = "decode_drain"
RECONCILE: Final = "decode_missed"


def drain_job() -> "UnresolvedAssetJobDefinition":
    """Decode everything that waits, as one run."""
    return dg.define_asset_job(
        DRAIN,
        # the run tells how the checks stand itself; one that planned them would hide what stands while it works
        selection=dg.AssetSelection.assets(DECODED_SIGNALS).without_checks(),
        # a process for each step doubles the cost of a run, and there is one step
        executor_def=dg.in_process_executor,
        tags={MODE: "drain", "dagster/max_runtime": "3600", "dagster/priority": "10"},
        description="Decode every raw object that waits, whatever its partition.",
    )


def reconcile_job() -> "UnresolvedAssetJobDefinition":
    """Decode what reconciliation found, as one run."""
    return dg.define_asset_job(
        RECONCILE,
        selection=dg.AssetSelection.assets(DECODED_SIGNALS).without_checks(),
        executor_def=dg.in_process_executor,
        config={"ops": {"decoded_signals": {"config": {"source": MISSED, "linger_s": 0.0, "processes": 1}}}},
        tags={MODE: "reconcile", "dagster/max_runtime": "3600"},
        description="Decode the raw objects that no event and no look into the lake announced.",
    )
