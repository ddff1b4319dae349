"""Numbers about the service itself: for Prometheus when it asks, and as lines for CloudWatch where nobody can ask.

The text is Prometheus's exposition format, version 0.0.4. Routes are named by their templates and methods by a short
list, so that nothing that is sent makes a new series.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.work import Work, noted
from telemetry_pipeline import metrics_log

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_COUNTED: Final = {
    "rows_scanned": "Rows that readers decompressed.",
    "bytes_scanned": "Bytes that readers decompressed, or that Athena read.",
    "rows_returned": "Samples and buckets that readers gave.",
    "points_returned": "Points that queries were answered with.",
    "skipped_objects": "Objects that could not be read.",
}
_UNITS: Final = {"Latency": "Milliseconds", "BytesScanned": "Bytes"}


class Histogram:
    """How often something took how long, by one label."""

    def __init__(self, name: str, label: str, about: str) -> None:
        self._name, self._label, self._about = name, label, about
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def observe(self, value: str, seconds: float) -> None:
        """Count one that took so long."""
        buckets = self._buckets.setdefault(value, [0] * (len(_SECONDS) + 1))
        buckets[bisect_left(_SECONDS, seconds)] += 1
        self._seconds[value] = self._seconds.get(value, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """Its part of the exposition."""
        yield f"# HELP {self._name} {self._about}"
        yield f"# TYPE {self._name} histogram"
        for value, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*_SECONDS, "+Inf"), buckets, strict=True):
                total += count
                yield f'{self._name}_bucket{{{self._label}="{value}",le="{bound}"}} {total}'
            yield f'{self._name}_sum{{{self._label}="{value}"}} {self._seconds[value]:.6f}'
            yield f'{self._name}_count{{{self._label}="{value}"}} {total}'


class Metrics:
    """Counts of requests, how long they took, and what their readers did; safe to use from several threads.

    Args:
        engine: What the readers are: `parquet` or `athena`.
        embedded: Write each request to stdout as well, in CloudWatch's embedded metric format.
    """

    def __init__(self, *, engine: str = "parquet", embedded: bool = False) -> None:
        self._engine = engine
        self._embedded = embedded
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._latency = Histogram(
            "telemetry_http_request_seconds", "route", "Time until a request was answered."
        )
        self._reading = Histogram(
            "telemetry_reader_seconds", "engine", "Time that one request's readers of samples took."
        )
        self._counted: Counter[str] = Counter()

    def observe(
        self, method: str, route: str, status: int, seconds: float, *, work: Work, points: int
    ) -> None:
        """Count one request.

        Args:
            method: The HTTP method.
            route: The template of its path.
            status: The answer's.
            seconds: Until the answer was sent.
            work: What the readers did for it.
            points: How many points a query was answered with.
        """
        values = {name: getattr(work, name) for name in _COUNTED if hasattr(work, name)}
        values["points_returned"] = points
        with self._lock:
            self._requests[method if method in _METHODS else "other", route, status] += 1
            self._latency.observe(route, seconds)
            if work.reads:
                self._reading.observe(self._engine, work.seconds)
            self._counted.update(values)
        if self._embedded:
            self._write(route, status, seconds, work)

    def render(self) -> str:
        """The exposition."""
        with self._lock:
            return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# HELP telemetry_http_requests_total Requests by method, route and status."
        yield "# TYPE telemetry_http_requests_total counter"
        for (method, route, status), count in sorted(self._requests.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            yield f"telemetry_http_requests_total{{{labels}}} {count}"
        yield from self._latency.lines()
        yield from self._reading.lines()
        for name, about in _COUNTED.items():
            yield f"# HELP telemetry_query_{name}_total {about}"
            yield f"# TYPE telemetry_query_{name}_total counter"
            yield f"telemetry_query_{name}_total {self._counted[name]}"

    def _write(self, route: str, status: int, seconds: float, work: Work) -> None:
        values: dict[str, float] = {
            "Latency": round(seconds * 1e3, 3),
            "Requests": 1,
            "ClientErrors": int(400 <= status < 500),
            "ServerErrors": int(status >= 500),
        }
        duration = f"{self._engine.capitalize()}QueryDuration"
        if work.reads:
            values |= {
                duration: round(work.seconds * 1e3, 3),
                "BytesScanned": work.bytes_scanned,
                "RowsScanned": work.rows_scanned,
                "RowsReturned": work.rows_returned,
                "ObjectsSkipped": work.skipped_objects,
            }
        metrics_log.write_metrics("request", values, {"Route": route}, _UNITS | {duration: "Milliseconds"})


class MetricsMiddleware:
    """Counts every HTTP request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it once it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        with noted() as work:
            counting = _Counting(self._metrics, scope, work, send)
            try:
                await self._app(scope, receive, counting.send)
            finally:
                counting.count()


class _Counting:
    """One request: it is counted before its last byte is sent, so that whoever has the answer finds it counted."""

    def __init__(self, metrics: Metrics, scope: Scope, work: Work, send: Send) -> None:
        self._metrics, self._scope, self._work, self._send = metrics, scope, work, send
        self._begun = time.perf_counter()
        self._status = 500
        self._counted = False

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif not message.get("more_body"):
            self.count()
        await self._send(message)

    def count(self) -> None:
        """Count the request, once."""
        if self._counted:
            return
        self._counted = True
        route = getattr(self._scope.get("route"), "path", "other")
        query = self._scope["state"].get("query")
        points = sum(len(drawn.t) for drawn in query.series) if query else 0
        seconds = time.perf_counter() - self._begun
        self._metrics.observe(
            self._scope["method"], route, self._status, seconds, work=self._work, points=points
        )
