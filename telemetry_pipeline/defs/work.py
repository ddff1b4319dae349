"""What runs over whole days have in common: which days and how long they are given, and how they end."""

from collections.abc import Iterable, Mapping
from typing import Final

import dagster as dg

from telemetry_pipeline.defs.metadata import TOP

LEFT: Final = "can_telemetry/left/"
"""Tags of a run that begin so hold the days that an asset's time did not suffice for."""


class DaysConfig(dg.Config):
    """The UTC days (YYYY-MM-DD) that a run without partition keys works on, and for how long at most."""

    days: list[str] = []  # noqa: RUF012  a config copies its defaults
    budget_s: float = 1500.0


def finish(
    context: dg.AssetExecutionContext, name: str, failed: Mapping[str, str], left: Iterable[str]
) -> None:
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
