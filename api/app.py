"""The application, put together: endpoints behind guards, the dashboard on the same port.

A request passes, from the outside in: numbers, headers, origins, errors, who asks, how often, how much it sends,
compression. So whatever an inner part refuses is counted, and leaves with the headers that a browser needs to read it.
"""

from collections.abc import Sequence
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Match
from starlette.types import Scope

from api import (
    compare_routes,
    errors,
    event_routes,
    fleet_routes,
    lake_routes,
    query_routes,
    routes,
    service_routes,
    site,
    stats_routes,
)
from api.answering import Answering
from api.auth import PUBLIC, Access, AuthMiddleware, ThisMachine, refuse_others
from api.compress import CompressionMiddleware
from api.description import DescribedApp
from api.guarded import GuardedEvents, GuardedReader
from api.headers import HeadersMiddleware, OriginsMiddleware, page_policy_of
from api.knowledge import Knowledge
from api.lanes import lanes_of
from api.limits import LimitsMiddleware, RateLimiter
from api.metrics import Metrics, MetricsMiddleware
from api.models import Health
from api.waiting import WaitingMiddleware
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.fleet.health import HealthReader
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.reader import SignalReader
from telemetry_pipeline.service_settings import Limits
from telemetry_pipeline.version import __version__


def create_app(
    reader: SignalReader,
    *,
    lake: str,
    access: Access | None = None,
    store: Store | None = None,
    streams: bool = True,
    events: EventReader | None = None,
    dashboard: Path | None = None,
    origins: Sequence[str] = (),
    limits: Limits | None = None,
    engine: str = "parquet",
    embedded_metrics: bool = False,
) -> FastAPI:
    """Build the application.

    Args:
        reader: Where the answers come from.
        lake: The lake's URL, for `/health`: `file://` is local, `s3://` is cloud.
        access: How callers are told apart; None: they are not, and only this machine is answered.
        store: The lake itself, for exports, live tails, health, names of values and entity tags; None leaves them out.
        streams: Whether answers of any length can be sent; else there are no exports and no live tails.
        events: Where events come from; None leaves their endpoint out.
        dashboard: The folder of the built dashboard; None serves the API alone.
        origins: Other origins whose pages may call the API from a browser; default none.
        limits: How much may be asked.
        engine: What the reader asks, for the numbers: `parquet` or `athena`.
        embedded_metrics: Write the numbers of each request to stdout, as CloudWatch reads them.

    Raises:
        BadSetting: The lake is a bucket, and nobody has to sign in.
    """
    access, limits = access or ThisMachine(), limits or Limits()
    open_to_all = isinstance(access, ThisMachine)
    if open_to_all and not lake.startswith("file://"):
        raise BadSetting("a bucket is not served without signing in", lake, "Set TELEMETRY_AUTH_ISSUER")
    lanes = lanes_of(lake, engine)
    app = DescribedApp(
        signed_in=not open_to_all,
        dependencies=[Depends(refuse_others)],
        lifespan=lanes.lifespan,
    )
    errors.install(app)
    numbers = Metrics(engine=engine, embedded=embedded_metrics)
    health = Health(
        status="healthy",
        version=__version__,
        mode="cloud" if lake.startswith("s3://") else "local",
        # anybody may ask this
        lake=lake if open_to_all else lake.partition("//")[0] + "//",
    )
    guarded = GuardedReader(reader, limits)
    knowledge = Knowledge(store, reader)
    app.include_router(routes.build(guarded, health, knowledge))
    answering = Answering(lanes.for_questions(), lanes.for_looks())
    app.include_router(query_routes.build(guarded, knowledge, limits, answering))
    app.include_router(compare_routes.build(guarded, knowledge, limits, answering))
    app.include_router(stats_routes.build(guarded, answering))
    if events is not None:
        app.include_router(event_routes.build(GuardedEvents(events, limits)))
    if store is not None:
        app.include_router(fleet_routes.build(guarded, HealthReader(store)))
    if store is not None and streams:
        lake_routes.install(app, store, guarded)
    app.include_router(service_routes.build(access, numbers))
    files = None
    if dashboard is not None:
        app.include_router(site.build(dashboard))
        files = app.router.routes[-1]

    def is_public(scope: Scope) -> bool:
        # a file of the dashboard is what no endpoint answers to
        return scope["path"] in PUBLIC or (
            scope["method"] in ("GET", "HEAD")
            and all(route is files or route.matches(scope)[0] is Match.NONE for route in app.router.routes)
        )

    limiter = RateLimiter(limits.rate, limits.burst)
    app.add_middleware(CompressionMiddleware)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=limits.body_bytes)
    app.add_middleware(WaitingMiddleware)
    app.add_middleware(LimitsMiddleware, limiter=limiter)
    app.add_middleware(AuthMiddleware, access=access, limiter=limiter, is_public=is_public)
    app.add_middleware(errors.ErrorsMiddleware)
    if origins:
        app.add_middleware(OriginsMiddleware, origins=tuple(origins))
    app.add_middleware(HeadersMiddleware, policy=page_policy_of(access))
    app.add_middleware(MetricsMiddleware, metrics=numbers)
    return app
