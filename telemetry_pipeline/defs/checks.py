"""The asset checks of decoded signals: which there are, and what a run says to each.

What a report counts is `decode.report`'s business.
"""

from collections.abc import Mapping

import dagster as dg

from telemetry_pipeline.defs import metadata
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks that a run of the asset evaluates."""
    return [
        dg.AssetCheckSpec("accounting", asset=asset, description="Every row in is counted once."),
        dg.AssetCheckSpec("quarantine", asset=asset, description="Every raw object could be read."),
    ]


def evaluate(
    context: dg.AssetExecutionContext,
    asset: dg.AssetKey,
    store: Store,  # noqa: ARG001  the state of the checks lies there
    tallies: Mapping[Partition, Tally],
) -> None:
    """Evaluate the checks. Logged, not yielded: a yielded result asks for the run's one partition key."""
    reports = [item.report for item in tallies.values()]
    quarantined = {key: why for item in tallies.values() for key, why in item.quarantined.items()}
    wrong = [to_key(partition) for partition, item in tallies.items() if not item.report.adds_up()]
    context.log_event(
        dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name="accounting",
            passed=not wrong,
            metadata={"rows": sum(report.rows for report in reports), "partitions_that_do_not_add_up": wrong},
        )
    )
    context.log_event(
        dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name="quarantine",
            passed=not quarantined,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"objects": dg.MetadataValue.json(dict(list(quarantined.items())[: metadata.TOP]))},
        )
    )
