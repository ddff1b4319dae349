"""The asset `glue_partitions`: there where the lake has a catalogue, and nowhere else.

How Glue is asked is `catalog`'s business, when it is asked by itself `following`'s.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import register
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, RAW_CAN_FRAMES, TABLES, Table
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.metadata import TOP
from telemetry_pipeline.defs.partitions import from_key, to_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.settings import Settings

_BY_VEHICLE_AND_DAY: Final = tuple(table for table in TABLES if table.keys == DECODED_SIGNALS.keys)


class CatalogResource(dg.ConfigurableResource["CatalogResource"]):
    """The catalogue of the lake (see `settings.Settings`)."""

    lake: str
    database: str
    endpoint_url: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "CatalogResource":
        """The resource that settings describe."""
        return cls(lake=settings.lake, database=settings.catalog, endpoint_url=settings.endpoint_url)

    def glue(self) -> Glue | None:
        """Glue, or None where there is no catalogue."""
        return open_catalog(self.lake, self.database, endpoint_url=self.endpoint_url)

    def register(self, table: Table, prefixes: Iterable[str]) -> dict[str, Any]:
        """Register partitions of a summary that has just been made; what came of it, for its event.

        A catalogue that does not answer does not undo what is in the lake: the next sync finds it.
        """
        glue = self.glue()
        if glue is None:
            return {}
        try:
            failed = register(glue, table, prefixes).failed
        except TelemetryError as error:
            return {"catalogue": str(error)}
        return {"catalogue": "; ".join(failed.values()) or "registered"}


def glue_partitions(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Partitions in Glue, which a person may register at any time."""

    @dg.multi_asset(
        name="glue_partitions",
        specs=[lineage.glue_partitions(partitions)],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1000),
    )
    def registered(
        context: dg.AssetExecutionContext, lake: LakeResource, catalog: CatalogResource
    ) -> Iterator[Any]:
        glue = catalog.glue()
        if glue is not None:
            with beating(lake.store(), context.run_id):
                events, failed = register_days(glue, [from_key(key) for key in context.partition_keys])
            for event in events:
                context.log_event(event)
            if failed:
                listed = dg.MetadataValue.json(dict(list(failed.items())[:TOP]))
                raise dg.Failure(f"Glue refused {len(failed)} partitions", metadata={"refused": listed})
        yield from ()

    return registered


def register_days(
    glue: Glue, partitions: Iterable[Partition], *, known: Iterable[str] = ()
) -> tuple[list[dg.AssetMaterialization], dict[str, str]]:
    """Register vehicle-days in every table that has a partition for each.

    Args:
        glue: The catalogue.
        partitions: The vehicle-days.
        known: Keys of partitions that need no event if Glue has them already.

    Returns:
        An event for each of the others that is in all tables now, and why Glue refused a prefix.

    Raises:
        TransientError: Glue does not answer.
    """
    days = sorted(set(partitions))
    created: set[tuple[str, ...] | None] = set()
    failed: dict[str, str] = {}
    for table in _BY_VEHICLE_AND_DAY:
        prefixes = [table.prefix_of(partition) for partition in days]
        done = register(glue, table, prefixes)
        created |= {table.values(prefix) for prefix in done.created}
        failed |= done.failed
    quiet = set(known)
    events = []
    for partition in days:
        prefixes = [table.prefix_of(partition) for table in _BY_VEHICLE_AND_DAY]
        new = RAW_CAN_FRAMES.values(RAW_CAN_FRAMES.prefix_of(partition)) in created
        if any(prefix in failed for prefix in prefixes) or (not new and to_key(partition) in quiet):
            continue
        events.append(
            dg.AssetMaterialization(
                lineage.GLUE_PARTITIONS,
                partition=to_key(partition),
                metadata={
                    "database": glue.database,
                    "tables": ", ".join(table.name for table in _BY_VEHICLE_AND_DAY),
                    "new": new,
                    "location": f"{glue.lake}/{DECODED_SIGNALS.prefix_of(partition)}",
                },
            )
        )
    return events, failed
