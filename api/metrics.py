"""Numbers about the service itself, in the Prometheus text exposition format (version 0.0.4)."""

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.query import Result

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts of requests, how long they took, and what queries read; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._read: Counter[str] = Counter()

    def observe(self, method: str, route: str, status: int, seconds: float, result: Result | None) -> None:
        """Count one request; `result` if it was a query that was answered."""
        with self._lock:
            self._requests[method, route, status] += 1
            buckets = self._buckets.setdefault(route, [0] * (len(_SECONDS) + 1))
            buckets[bisect_left(_SECONDS, seconds)] += 1
            self._seconds[route] += seconds
            if result is not None:
                self._read["rows_scanned"] += result.rows_scanned
                self._read["bytes_scanned"] += result.bytes_scanned
                self._read["points_returned"] += sum(len(drawn.t) for drawn in result.series)
                self._read["skipped_objects"] += result.skipped_objects

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
        yield "# HELP telemetry_http_request_seconds Time until a request was answered."
        yield "# TYPE telemetry_http_request_seconds histogram"
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*_SECONDS, "+Inf"), buckets, strict=True):
                total += count
                yield f'telemetry_http_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}'
            yield f'telemetry_http_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'telemetry_http_request_seconds_count{{route="{route}"}} {total}'
        for name in ("rows_scanned", "bytes_scanned", "points_returned", "skipped_objects"):
            yield f"# HELP telemetry_query_{name}_total {name.replace('_', ' ').capitalize()} by queries."
            yield f"# TYPE telemetry_query_{name}_total counter"
            yield f"telemetry_query_{name}_total {self._read[name]}"


class MetricsMiddleware:
    """Counts every HTTP request; routes are named by their template, so vehicles make no new series."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it once it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            result = scope.get("state", {}).get("query")
            seconds = time.perf_counter() - begun
            self._metrics.observe(scope["method"], route, status, seconds, result)
