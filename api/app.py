"""The application, put together: endpoints, errors, metrics, compression, and the dashboard on the same port."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import PlainTextResponse
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES

from api import errors, event_routes, metrics, routes, site
from api.encode import ARROW_TYPE
from api.metrics import Metrics, MetricsMiddleware
from api.models import Health
from api.query import MAX_ANSWER_POINTS
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.reader import SignalReader
from telemetry_pipeline.version import __version__


def create_app(
    reader: SignalReader,
    *,
    lake: str,
    events: EventReader | None = None,
    dashboard: Path | None = None,
    origins: Sequence[str] = (),
    max_answer_points: int = MAX_ANSWER_POINTS,
) -> FastAPI:
    """Build the application.

    Args:
        reader: Where the answers come from.
        lake: The lake's URL, for `/health`: `file://` is local, `s3://` is cloud.
        events: Where events come from; None leaves their endpoint out.
        dashboard: The folder of the built dashboard; None serves the API alone.
        origins: Other origins whose pages may call the API from a browser; default none.
        max_answer_points: The most points of one answer, all signals together.
    """
    app = FastAPI(
        title="can-telemetry",
        version=__version__,
        summary="Decoded CAN signals of a fleet, by vehicle, message, signal and time",
        redoc_url=None,
    )
    numbers = Metrics()
    errors.install(app)
    health = Health(
        status="healthy",
        version=__version__,
        mode="cloud" if lake.startswith("s3://") else "local",
        lake=lake,
    )
    app.include_router(routes.build(reader, health, max_answer_points=max_answer_points))
    if events is not None:
        app.include_router(event_routes.build(events))

    @app.get("/metrics", tags=["service"], response_class=PlainTextResponse)
    async def get_metrics() -> PlainTextResponse:
        """Numbers about the service itself, for Prometheus."""
        return PlainTextResponse(numbers.render(), media_type=metrics.CONTENT_TYPE)

    if dashboard is not None:
        app.include_router(site.build(dashboard))
    # Arrow's floats hardly compress, and its readers are programs nearby
    app.add_middleware(
        GZipMiddleware,
        minimum_size=4096,
        compresslevel=4,
        exclude_content_types=(ARROW_TYPE, *DEFAULT_EXCLUDED_CONTENT_TYPES),
    )
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"])
    app.add_middleware(MetricsMiddleware, metrics=numbers)
    return app
