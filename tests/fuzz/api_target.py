"""Requests of any bytes to the real service over HTTP: every answer is one that was meant, and says what is wrong."""

import json
import threading
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

import uvicorn

from api.app import create_app
from telemetry_pipeline.cli.serve import listen
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.service_settings import Limits
from tests.api.small_lake import QUERY, RANGE, SPEED, VEHICLES, fill
from tests.fuzz import damage
from tests.fuzz.target import Flaw
from tests.servers import wait_until

_MEANT: Final = {200, 304, 307, 400, 403, 404, 405, 406, 413, 415, 422}
_PROBLEM: Final = {"type", "title", "status", "detail", "instance", "remedy"}
_JSON: Final = "application/json"
_STATS: Final = {"signals": [SPEED], "ranges": [{"start_time": RANGE["start"], "end_time": RANGE["end"]}]}
_COMPARE: Final = {
    "signal": "Drive.Speed",
    "vehicles": "EV_001,EV_002",
    "align": "clock",
    "max_points": 100,
    "method": "lttb",
}

Request = tuple[str, str, dict[str, Any], Any]
"""Method, path, query string and body."""

REQUESTS: Final[tuple[Request, ...]] = (
    ("POST", "/vehicles/EV_001/query", {}, QUERY | {"max_points": 100, "method": "lttb"}),
    (
        "POST",
        "/vehicles/EV_001/query",
        {},
        QUERY | {"method": "m4", "include": ["stats", "gaps", "envelope"]},
    ),
    ("POST", "/vehicles/EV_001/stats", {}, _STATS),
    (
        "GET",
        "/vehicles/EV_001/query",
        RANGE | {"signals": "Drive.Speed", "max_points": 50, "method": "raw"},
        None,
    ),
    ("GET", "/vehicles/EV_001/export", RANGE | {"signals": "Drive.Speed", "format": "csv"}, None),
    ("GET", "/vehicles/EV_001/export", RANGE | {"message": "Battery", "format": "parquet"}, None),
    ("GET", "/vehicles/EV_001/events", RANGE | {"rule": "x", "severity": "info"}, None),
    ("GET", "/fleet/compare", RANGE | _COMPARE, None),
    ("GET", "/fleet/health", {"last": "2026-02-12", "days": 3, "limit": 2, "after": "EV_001"}, None),
    ("GET", "/vehicles/EV_001/health", {"first": "2026-02-12", "last": "2026-02-12"}, None),
    ("GET", "/vehicles/EV_001/sessions", {}, None),
    ("GET", "/vehicles/EV_001/messages/Drive/signals", {}, None),
    ("GET", "/vehicles", {}, None),
)


class ApiTarget:
    """The service behind a real server, over a lake of three vehicles."""

    def prepare(self, folder: Path) -> None:
        """Start it."""
        store = fill(Store.open((folder / "lake").as_uri()), VEHICLES, samples=200)
        reader, events = ParquetReader(store), EventReader(store)
        app = create_app(reader, lake=store.url, events=events, store=store, limits=Limits(rate=0))
        self._open = ExitStack()
        listener = self._open.enter_context(listen("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started, "the service to start", pause=0.01)
        self._connection = HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=300)

    def close(self) -> None:
        """End it."""
        self._connection.close()
        self._server.should_exit = True
        self._thread.join(60)
        self._open.close()

    def run(self, random: Random) -> str:
        """Ask one question of whatever sense."""
        method, path, query, body = random.choice(REQUESTS)
        headers = {"Accept": random.choice(("*/*", _JSON, "application/vnd.apache.arrow.stream", "text/csv"))}
        kind = random.random()
        if kind < 0.2:
            parts = path.split("/")
            at = random.randrange(1, len(parts))
            parts[at] = random.choice((*damage.TEXTS, *VEHICLES, "query", "a" * 9_000))
            path = "/".join(quote(part, safe=random.choice(("", "/.%"))) for part in parts)
            path = "/" + path.lstrip("/")
        elif kind < 0.35:
            headers[random.choice(_HEADERS)] = random.choice(_VALUES)
        elif kind < 0.4:
            method = random.choice(("PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "GET"))
        elif body is None:
            query = _other_query(random, query)
        elif kind < 0.85:
            body = _other_value(random, body)
        content = None if body is None else json.dumps(body).encode()
        if content is not None and kind > 0.85:
            content = damage.damaged(random, content)
        if content is not None:
            headers["Content-Type"] = (
                _JSON if random.random() < 0.97 else random.choice(("text/plain", "", "a/b; c"))
            )
        target = f"{path}?{urlencode(query)}" if query else path
        if kind > 0.97:
            target = "/" + quote(damage.damaged(random, target.encode())[:5_000], safe="/?&=%.")
        return self._judged(method, target, content, headers)

    def _judged(self, method: str, target: str, content: bytes | None, headers: dict[str, str]) -> str:
        asked = f"{method} {target[:200]} {content!r:.300}"
        try:
            self._connection.request(method, target, content, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (HTTPException, OSError) as error:
            self._connection.close()
            raise Flaw(f"no answer but {error!r} to {asked}") from error
        if answer.status not in _MEANT:
            raise Flaw(f"{answer.status} {text!r:.300} to {asked}")
        if answer.getheader("x-injected"):
            raise Flaw(f"a header of the asker's is in the answer to {asked}")
        if answer.status >= 400 and method != "HEAD":
            problem = json.loads(text)
            if problem.keys() != _PROBLEM or problem["status"] != answer.status or not problem["detail"]:
                raise Flaw(f"no problem as described: {problem} to {asked}")
            if "Traceback" in text.decode():
                raise Flaw(f"a traceback to {asked}")
        kind, packed = answer.getheader("Content-Type", ""), answer.getheader("Content-Encoding")
        if answer.status == 200 and kind.startswith(_JSON) and method != "HEAD" and not packed:
            _balances(json.loads(text), asked)
        return str(answer.status)


def _balances(answer: Any, asked: str) -> None:
    """What an answer says of itself is true: no more points than were asked for, none that the lake does not have."""
    series = answer.get("series", answer.get("signals", [])) if isinstance(answer, dict) else []
    for item in series if isinstance(series, list) else []:
        if isinstance(item, dict) and "source_points" in item and "data" in item:
            found, of = len(item["data"]), item["source_points"]
            if found > of or (found < of) != item["downsampled"]:
                raise Flaw(f"{found} points of {of}, downsampled {item['downsampled']}: {asked}")


_HEADERS: Final = (
    *(
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "If-None-Match",
        "If-Modified-Since",
        "Range",
        "Origin",
    ),
    *(
        "Authorization",
        "Cookie",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "Forwarded",
        "Host",
        "Content-Encoding",
    ),
    *("Expect", "Upgrade", "Last-Event-ID", "X-Request-Id", "Referer", "Transfer-Encoding-X"),
)
_VALUES: Final = (
    *("", "*", "*/*;q=2", ";;;", "gzip;q=0", "bytes=0-", "bytes=5-1,9-2", '"x"', 'W/"', "\xe9", "a" * 5_000),
    *(
        "application/json;q=NaN",
        "Bearer",
        "Bearer " + "." * 50,
        "Basic !!!",
        "null",
        "127.0.0.1, ::1",
        "[",
        "0",
    ),
)


def _other_query(random: Random, query: dict[str, Any]) -> dict[str, Any]:
    changed = dict(query)
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice([*changed, "x"]) if changed else "x"
        if random.random() < 0.15:
            changed.pop(name, None)
        else:
            changed[name] = _scalar(random, changed.get(name, ""))
    return {name: value for name, value in changed.items() if isinstance(value, str | int | float)}


def _other_value(random: Random, value: Any) -> Any:
    """A JSON value in which something is another."""
    if isinstance(value, dict) and value and random.random() < 0.95:
        name = random.choice(list(value))
        changed = dict(value)
        kind = random.random()
        if kind < 0.1:
            del changed[name]
        elif kind < 0.15:
            changed[random.choice(damage.TEXTS)] = value[name]
        else:
            changed[name] = _other_value(random, value[name])
        return changed
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        kind = random.random()
        if kind < 0.2:
            return value * random.choice((0, 2, 100))
        return [*value[:at], _other_value(random, value[at]), *value[at + 1 :]]
    return _scalar(random, value)


def _scalar(random: Random, value: Any) -> Any:
    kind = random.random()
    if kind < 0.3:
        return random.choice(damage.TEXTS)
    if kind < 0.5:
        return damage.number(random, value if isinstance(value, int) else 0)
    if kind < 0.6:
        return random.choice((None, True, False, 1.5, float("inf"), float("nan"), [], {}, [[]], {"a": 1}))
    if kind < 0.8 and isinstance(value, str):
        return damage.damaged(random, value.encode()).decode("utf-8", "replace")
    return random.choice(_TIMES)


_TIMES: Final = (
    *("2026-02-12T14:00:00Z", "2026-02-12T14:00:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "now"),
    *(
        "2026-02-12T14:00:00.123456789012Z",
        "1677-09-21T00:12:43Z",
        "2262-04-11T23:47:16Z",
        "2262-04-12T00:00:00Z",
    ),
    *("2026-02-12T14:00:00+99:99", "-1", "1e9", "2026-02-30", "2026-02-12T24:00:00Z", "P1D"),
)
