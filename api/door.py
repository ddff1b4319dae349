"""The application over the lake that the settings name: what `telemetry serve` and AWS Lambda open alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fastapi import FastAPI

from api.app import create_app
from api.auth import access_of
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.open import open_reader
from telemetry_pipeline.settings import Settings


def open_app(
    settings: Settings,
    *,
    host: str | None,
    dashboard: Path | None = None,
    origins: Sequence[str] = (),
    credentials: Literal["chain", "environment"] = "chain",
    embedded_metrics: bool = False,
) -> FastAPI:
    """Build the application.

    Args:
        settings: The lake, who may ask, and how much.
        host: The address that the server listens on; None where others hand the requests over.
        dashboard: The folder of the built dashboard; None serves the API alone.
        origins: Origins beside those of the settings.
        credentials: Where those for a bucket come from (see `Store.open`).
        embedded_metrics: Write numbers to stdout even if the settings do not say so.

    Raises:
        BadSetting: A setting cannot be used, or anybody could ask for anything.
    """
    service = settings.service
    access = access_of(service, settings.lake, host=host)  # first: nothing is opened for nobody
    lake = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials=credentials)
    return create_app(
        open_reader(lake, settings),
        lake=lake.url,
        access=access,
        store=lake,
        streams=host is not None,  # who hands requests over takes an answer when it is whole
        events=EventReader(lake),
        dashboard=dashboard,
        origins=(*service.origins, *origins),
        limits=service.limits,
        engine=settings.reader.chosen,
        embedded_metrics=embedded_metrics or service.embedded_metrics,
    )
