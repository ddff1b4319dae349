"""What runs over whole days have in common: which days and how long they are given, how they tell, how they end."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.defs.metadata import TOP
from telemetry_pipeline.defs.partitions import VEHICLES, to_key
from telemetry_pipeline.lake.layout import Partition

LEFT: Final = "can_telemetry/left/"
"""Tags of a run that begin so hold the days that an asset's time did not suffice for."""

Context = dg.AssetExecutionContext | dg.OpExecutionContext


class DaysConfig(dg.Config):
    """The UTC days (YYYY-MM-DD) that a run works on, and for how many seconds at most."""

    days: list[str] = []  # noqa: RUF012  a config copies its defaults
    budget_s: float = 1500.0


class Teller:
    """Tells Dagster what was made.

    Args:
        context: The run.
        asset: What is made.
        runless: Whether events outlive the run; a backfill counts only those of its own runs.
    """

    def __init__(self, context: Context, asset: dg.AssetKey, *, runless: bool) -> None:
        self._context = context
        self._asset = asset
        self._runless = runless
        self._known: set[str] = set()

    def tell(self, partition: Partition, metadata: Mapping[str, Any]) -> None:
        """Report a vehicle-day; a vehicle that Dagster has not heard of is registered first, or it is never shown."""
        if partition.vehicle_id not in self._known:
            name = VEHICLES.name or ""
            self._known = set(self._context.instance.get_dynamic_partitions(name))
            if partition.vehicle_id not in self._known:
                self._context.instance.add_dynamic_partitions(name, [partition.vehicle_id])
                self._known.add(partition.vehicle_id)
        run = {"run": dg.MetadataValue.dagster_run(self._context.run_id)} if self._runless else {}
        event = dg.AssetMaterialization(
            self._asset, partition=to_key(partition), metadata={**metadata, **run}
        )
        if self._runless:
            self._context.instance.report_runless_asset_event(event)
        else:
            self._context.log_event(event)


def finish(context: Context, name: str, failed: Mapping[str, str], left: Iterable[str]) -> None:
    """Leave word of the days that are not done, and end the run as failed if something failed."""
    if unfinished := sorted(set(left), reverse=True):
        context.log.info("the time is up; left: %s", ", ".join(unfinished))
        context.instance.add_run_tags(context.run_id, {f"{LEFT}{name}": ",".join(unfinished)})
    if failed:
        reasons = sorted(set(failed.values()))
        raise dg.Failure(
            f"{len(failed)} partitions could not be made: {reasons[0]}",
            metadata={"failed": dg.MetadataValue.json(dict(list(failed.items())[:TOP]))},
            allow_retries=False,
        )
