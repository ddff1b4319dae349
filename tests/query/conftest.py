"""Lakes that several tests of the reader ask."""

import pytest

from telemetry_pipeline.lake.store import Store
from tests.s3_server import S3Server


@pytest.fixture
def bucket(s3_lake: str, s3_server: S3Server) -> Store:
    """An empty lake in a bucket of a real S3 server."""
    return Store.open(s3_lake, endpoint_url=s3_server.endpoint)
