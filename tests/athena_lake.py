"""A reader over a lake of the double, opened as the service opens it."""

from typing import Any

from telemetry_pipeline.query.athena.reader import AthenaReader
from telemetry_pipeline.query.open import open_reader
from telemetry_pipeline.reader_settings import ReaderSettings
from telemetry_pipeline.settings import Settings
from tests.doubles.athena.running import AthenaLake


def open_athena_reader(lake: AthenaLake, *, register: bool = True, **settings: Any) -> AthenaReader:
    """A new reader; the catalogue is told what the lake holds first, unless `register` says otherwise."""
    if register:
        lake.register()
    chosen = Settings(
        lake=lake.store.url,
        endpoint_url=lake.server.endpoint,
        catalog=lake.database,
        reader=ReaderSettings(engine="athena", workgroup=lake.workgroup, **settings),
    )
    reader = open_reader(lake.store, chosen)
    assert isinstance(reader, AthenaReader)
    return reader
