"""The door for AWS Lambda on a schedule: tells Glue of the days that were decoded lately.

For lakes whose objects are decoded without Dagster, which registers partitions as they are decoded. What is older is
left to `telemetry catalog sync`: a function's time is limited, and a lake grows.
"""

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

from telemetry_pipeline import metrics_log
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.nights import miss_nights
from telemetry_pipeline.catalog.recent import sync_recent
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401, ARG001  Lambda's own
    """Register the last days in every table of vehicles and days.

    Args:
        event: What the schedule sends: its `time` says which day is the last one, else the present does.
        context: Lambda's context.

    Returns:
        What became of each table, by name.

    Raises:
        BadSetting: The lake has no catalogue, that has not our tables, or `time` is none.
        TransientError: Glue refused partitions, or does not answer; the next time tries them again. Or all was told,
            and the compaction of every night was last through too long ago.
    """
    settings = Settings.from_env()
    glue = open_catalog(settings.lake, settings.catalog, endpoint_url=settings.endpoint_url)
    if glue is None:
        raise BadSetting(
            "this lake has no catalogue", "TELEMETRY_LAKE", "Set it to s3://bucket, or remove the schedule"
        )
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
    done = {item.table: item.to_dict() for item in sync_recent(glue, store, _today(event))}
    for item in done.values():
        metrics_log.write_line("catalog", **item)
    if refused := {name: len(item["failed"]) for name, item in done.items() if item["failed"]}:
        raise TransientError(f"Glue refused {sum(refused.values())} partitions", ", ".join(refused))
    miss_nights(store, time.time_ns())
    return done


def _today(event: Mapping[str, Any]) -> dt.date:
    """The day on which the schedule rang, UTC."""
    said = event.get("time")
    try:
        rang = dt.datetime.fromisoformat(said) if said else dt.datetime.now(dt.UTC)
    except (TypeError, ValueError) as error:
        raise BadSetting(
            f"{said!r} is no time", "the event", 'Send {"time": "2026-02-23T12:00:00Z"}, or {}'
        ) from error
    return rang.astimezone(dt.UTC).date()
