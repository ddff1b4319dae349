"""Athena, opened with the credentials of this process."""

from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.athena.catalogue import Catalogue
from telemetry_pipeline.query.athena.reader import AthenaReader
from telemetry_pipeline.query.athena.runner import Runner, Target
from telemetry_pipeline.query.parquet_reader import ParquetReader


def open_athena(
    lake: ParquetReader, store: Store, target: Target, *, endpoint_url: str | None = None
) -> AthenaReader:
    """A reader that asks Athena; nothing is asked yet.

    Args:
        lake: Reads the footers and overviews of the same lake.
        store: The lake itself.
        target: Where queries run.
        endpoint_url: A server that stands in for AWS.

    Raises:
        BadSetting: The lake has no catalogue.
    """
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import, and for this reader alone

    glue = open_catalog(store.url, target.database, endpoint_url=endpoint_url)
    if glue is None:
        raise BadSetting(
            "Athena knows a lake by its catalogue, and there is none",
            store.url,
            "Set TELEMETRY_QUERY=parquet",
        )
    runner = Runner(boto3.session.Session(), target, endpoint_url=endpoint_url)
    return AthenaReader(lake, Catalogue(glue), runner, store)
