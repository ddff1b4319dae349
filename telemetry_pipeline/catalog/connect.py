"""The catalogue of a lake, opened: Glue for an `s3://` lake, none for a folder or where the settings say so."""

from typing import Final

from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.errors import BadSetting

NONE: Final = "none"


def open_catalog(lake: str, database: str, *, endpoint_url: str | None = None) -> Glue | None:
    """The catalogue of a lake, or None when it has none; nothing is asked yet.

    Args:
        lake: The lake's URL.
        database: The Glue database, or `none`.
        endpoint_url: A server that stands in for AWS.

    Raises:
        BadSetting: boto3 is missing.
    """
    if not lake.startswith("s3://") or database == NONE:
        return None
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  only machines that use AWS carry it
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise BadSetting(
            "the catalogue of an s3:// lake needs boto3", lake, "pip install 'can-telemetry[aws]'"
        ) from error
    # its own retries back off when Glue throttles
    config = Config(retries={"mode": "adaptive", "max_attempts": 8}, connect_timeout=10, read_timeout=60)
    session = boto3.session.Session()
    client = session.client(
        "glue", region_name=session.region_name or "us-east-1", endpoint_url=endpoint_url, config=config
    )
    return Glue(client, lake, database)
