"""The reader that the settings choose: Parquet objects by their footers, or Athena."""

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import SignalReader
from telemetry_pipeline.settings import Settings


def open_reader(store: Store, settings: Settings) -> SignalReader:
    """A reader of a lake; nothing is read yet.

    Args:
        store: The lake.
        settings: What reads it, and where Athena's queries run.

    Raises:
        BadSetting: Athena is chosen, and its libraries are missing or the lake has no catalogue.
    """
    lake = ParquetReader(store)
    chosen = settings.reader
    if chosen.chosen == "parquet" or chosen.workgroup is None:
        return lake
    try:
        from telemetry_pipeline.query.athena.connect import open_athena  # noqa: PLC0415  not every machine has it
        from telemetry_pipeline.query.athena.runner import Target  # noqa: PLC0415
    except ImportError as error:
        raise BadSetting(
            f"Athena's client is missing ({error.name})",
            "TELEMETRY_QUERY",
            "pip install 'can-telemetry[api]'",
        ) from error
    target = Target(settings.catalog, chosen.workgroup, chosen.output, chosen.timeout_s, chosen.parallel)
    return open_athena(lake, store, target, endpoint_url=settings.endpoint_url)
