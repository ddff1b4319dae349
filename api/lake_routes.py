"""The endpoints that read the lake's objects themselves and answer for as long as it takes: exports and live tails."""

from fastapi import FastAPI

from api import export_routes, live_routes
from api.live import Hub
from api.streaming import Workers
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.reader import SignalReader


def install(app: FastAPI, store: Store, reader: SignalReader) -> None:
    """Add the endpoints; `app.state.live` is the hub of the live tails, which the server closes when it stops.

    Args:
        app: The application.
        store: The lake.
        reader: As the other endpoints have it.
    """
    objects = ObjectReader(store, 2)
    # a long export must not hold up live tails
    exporting, following = Workers(), Workers()
    hub = Hub(store, following.run)
    app.include_router(export_routes.build(store, objects, reader, exporting))
    app.include_router(live_routes.build(hub, objects, reader, following))
    app.state.live = hub
