"""What follows decoding at once, without a run: raw frames are observed, and new partitions are told to Glue.

A sensor reads the events of `decoded_signals` from where it last stopped: it costs what is new, not what is there.
"""

from collections.abc import Iterable
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.glue import CatalogResource, register_days
from telemetry_pipeline.defs.metadata import table
from telemetry_pipeline.defs.partitions import from_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

EVENTS_A_TICK: Final = 100
"""A tick has a minute, and each of them costs a listing and, where there is a catalogue, an event."""

_SHOWN: Final = {"date": "string", "vehicle": "string", "objects": "int", "bytes": "int"}


def decoded_since(instance: dg.DagsterInstance, after: int, limit: int) -> tuple[dict[str, float], int]:
    """The partitions of `decoded_signals` with events after one.

    Args:
        instance: Dagster's books.
        after: The storage id of the last event that was seen.
        limit: How many events are read at most.

    Returns:
        When each partition was last materialized, in seconds since 1970, and the id of the last event that was read.
    """
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=lineage.DECODED_SIGNALS, after_storage_id=after),
        limit=limit,
        ascending=True,
    ).records
    found = {record.partition_key: record.timestamp for record in records if record.partition_key}
    return found, max((record.storage_id for record in records), default=after)


def partitions_touched(*, with_catalog: bool) -> dg.SensorDefinition:
    """Observe raw frames, and register partitions, as they are decoded.

    Args:
        with_catalog: Whether the lake has a catalogue.
    """

    @dg.sensor(
        name="partitions_touched",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Observes raw_frames where something was decoded"
        + (", and registers new partitions in Glue." if with_catalog else "."),
    )
    def sensor(
        context: dg.SensorEvaluationContext, lake: LakeResource, catalog: CatalogResource
    ) -> dg.SensorResult | dg.SkipReason:
        found, last = decoded_since(context.instance, int(context.cursor or 0), EVENTS_A_TICK)
        if not found:
            return dg.SkipReason("nothing was decoded since")
        events: list[Any] = [_observation(lake.store(), sorted(found))]
        glue = catalog.glue() if with_catalog else None
        if glue is not None:
            known = context.instance.get_materialized_partitions(lineage.GLUE_PARTITIONS)
            made, failed = register_days(glue, map(from_key, found), known=known)
            events += made
            if failed:  # the cursor stays: the next tick tries all of them again
                raise TransientError(f"Glue refused {len(failed)} partitions", *next(iter(failed.items())))
        return dg.SensorResult(asset_events=events, cursor=str(last))

    return sensor


def _observation(store: Store, keys: Iterable[str]) -> dg.AssetObservation:
    """What lies in raw/ of some partitions, the largest first."""
    rows: list[dict[str, Any]] = []
    for partition in map(from_key, keys):
        sizes = [info.size for info in store.list_objects(partition.prefix(layout.RAW))]
        rows.append(
            {
                "date": partition.date.isoformat(),
                "vehicle": partition.vehicle_id,
                "objects": len(sizes),
                "bytes": sum(sizes),
            }
        )
    rows.sort(key=lambda row: row["bytes"], reverse=True)
    return dg.AssetObservation(
        lineage.RAW_FRAMES,
        metadata={
            "partitions": len(rows),
            "objects": sum(int(row["objects"]) for row in rows),
            "bytes": sum(int(row["bytes"]) for row in rows),
            "largest": table(_SHOWN, rows),
        },
    )
