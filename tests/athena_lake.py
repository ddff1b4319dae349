"""A reader over a lake of the double."""

from telemetry_pipeline.query.athena.connect import open_athena
from telemetry_pipeline.query.athena.reader import AthenaReader
from telemetry_pipeline.query.athena.runner import Target
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.doubles.athena.running import AthenaLake


def open_athena_reader(lake: AthenaLake) -> AthenaReader:
    """A new reader that sees at once what is new in the bucket; the catalogue is told what is in it now."""
    lake.register()
    return open_athena(
        ParquetReader(lake.store, max_age_s=0),
        lake.store,
        Target(lake.database, lake.workgroup),
        endpoint_url=lake.server.endpoint,
    )
