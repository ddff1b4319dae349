"""The assets as the graph shows them: what each is, made from what, by which code, in which columns, and whose it is.

What a run does is the business of the file that defines the asset.
"""

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import dagster as dg
import pyarrow as pa

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.catalog.sync import register
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.defs.metadata import column_schema
from telemetry_pipeline.fleet.table import make_day
from telemetry_pipeline.fleet.vehicle_day import sum_up
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.land import land
from telemetry_pipeline.process import process_object
from telemetry_pipeline.version import DECODER_VERSION

DBC: Final = dg.AssetKey("dbc")
RAW_FRAMES: Final = dg.AssetKey("raw_frames")
DECODED_SIGNALS: Final = dg.AssetKey("decoded_signals")
GLUE_PARTITIONS: Final = dg.AssetKey("glue_partitions")
SIGNAL_SERIES: Final = dg.AssetKey("signal_series")
FLEET_DAILY: Final = dg.AssetKey("fleet_daily")

GROUP: Final = "telemetry"
OWNERS: Final = ("team:telemetry",)


def dbc() -> dg.AssetSpec:
    """The lake's CAN databases: people put them there."""
    return spec(
        DBC,
        "The CAN databases of the lake and their bindings to vehicles, channels and days. Their data version is the "
        "digest of all of them: when it changes, partitions may have become stale.",
        kinds={"dbc", "yaml"},
        code=[Databases.load],
    )


def raw_frames() -> dg.AssetSpec:
    """Raw objects: nobody materializes them here, the vehicles do.

    Not partitioned: a run without a partition key that has an upstream with partitions fails as soon as anything is
    known of that upstream, and drains are such runs.
    """
    return spec(
        RAW_FRAMES,
        "Raw CAN frames, one Parquet object per vehicle and window, landed by edge agents.",
        kinds={"parquet", "raspberrypi"},
        columns=schema.RAW_FD,
        code=[land],
    )


def decoded_signals(partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    """Decoded objects: one per raw object."""
    return spec(
        DECODED_SIGNALS,
        "Signal values decoded from raw frames with the CAN databases of the lake, one object per raw object.",
        kinds={"parquet", "python"},
        deps=[DBC, RAW_FRAMES],
        partitions=partitions,
        columns=schema.DECODED,
        code=[process_object, decode_frames],
        code_version=DECODER_VERSION,
    )


def glue_partitions(partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    """Partitions that query engines know."""
    return spec(
        GLUE_PARTITIONS,
        "Partitions of the tables in AWS Glue, through which Athena and others find the objects.",
        kinds={"glue", "athena"},
        deps=[DECODED_SIGNALS],
        partitions=partitions,
        code=[register],
    )


def fleet_daily(partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    """A row per vehicle and day."""
    return spec(
        FLEET_DAILY,
        "What every vehicle did on a day: frames, hours, distance, decode health, statistics of each signal. Made when "
        "a day is quiet, and anew for the vehicles whose objects change later.",
        kinds={"parquet", "polars"},
        deps=[DECODED_SIGNALS],
        partitions=partitions,
        columns=schema.FLEET_DAILY,
        code=[make_day, sum_up],
    )


def spec(
    key: dg.AssetKey,
    description: str,
    *,
    kinds: set[str],
    code: Sequence[Callable[..., Any]],
    deps: Sequence[dg.AssetKey] = (),
    partitions: dg.PartitionsDefinition | None = None,
    columns: pa.Schema | None = None,
    code_version: str | None = None,
) -> dg.AssetSpec:
    """An asset of the lake.

    Args:
        key: Its name.
        description: What it is, for whoever looks at the graph.
        kinds: What it is made with; shown as badges.
        code: The functions that make it; the UI links to them.
        deps: What it is made from.
        partitions: Its partitions.
        columns: What is in its objects.
        code_version: What changes when the code gives something else.
    """
    metadata: dict[str, Any] = {"dagster/code_references": _references(code)}
    if columns is not None:
        metadata["dagster/column_schema"] = column_schema(columns)
    return dg.AssetSpec(
        key,
        deps=deps,
        description=description,
        metadata=metadata,
        partitions_def=partitions,
        group_name=GROUP,
        owners=OWNERS,
        kinds=kinds,
        tags={"zone": key.path[-1]},
        code_version=code_version,
        # events are reported per partition, never one for the run
        skippable=key not in (DBC, RAW_FRAMES),
    )


def _references(code: Sequence[Callable[..., Any]]) -> dg.CodeReferencesMetadataValue:
    """Where the code is that makes an asset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # the links may look otherwise in a later Dagster
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(
                    file_path=inspect.getsourcefile(function) or "",
                    line_number=inspect.getsourcelines(function)[1],
                    label=f"{function.__module__}.{function.__qualname__}",
                )
                for function in code
            ]
        )
