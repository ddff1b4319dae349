"""The door for AWS Lambda on a schedule: brings Glue in line with the lake, as `telemetry catalog sync` does.

For lakes whose objects are decoded without Dagster, which registers partitions as they are decoded.
"""

from collections.abc import Mapping
from typing import Any

from telemetry_pipeline import metrics_log
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401, ARG001  Lambda's own
    """Make every table and partition what the lake says.

    Args:
        event: Whatever the schedule sends; nothing of it is used.
        context: Lambda's context.

    Returns:
        What became of each table, by name.

    Raises:
        BadSetting: The lake has no catalogue.
        TransientError: Glue refused partitions; the next time tries them again.
    """
    settings = Settings.from_env()
    glue = open_catalog(settings.lake, settings.catalog, endpoint_url=settings.endpoint_url)
    if glue is None:
        raise BadSetting(
            "this lake has no catalogue", "TELEMETRY_LAKE", "Set it to s3://bucket, or remove the schedule"
        )
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
    done = {item.table: item.to_dict() for item in sync(glue, store)}
    for name, item in done.items():
        metrics_log.write_line("catalog", **item)
        if item["failed"]:
            raise TransientError(f"Glue refused {len(item['failed'])} partitions", name)
    return done
