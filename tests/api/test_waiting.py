"""Whoever hangs up is noticed while the answer is made, whatever was asked and however it is sent."""

import asyncio
import contextlib
import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Message

from api.waiting import WaitingMiddleware
from telemetry_pipeline.query import patience
from tests.servers import free_port, wait_until


@pytest.fixture
def served() -> Iterator[tuple[str, dict[str, object]]]:
    """A service whose answers wait until nobody does, and what became of them."""
    app = FastAPI()
    seen: dict[str, object] = {}

    def wait(name: str) -> str:
        asker = patience.current()
        seen[name] = "asked"
        wait_until(lambda: asker.gone, "the client to leave", seconds=60)
        seen[name] = "left"
        return name

    @app.get("/wait/{name}")
    def get(name: str) -> str:
        return wait(name)

    @app.post("/wait/{name}")
    def post(name: str, body: dict[str, int]) -> str:
        return wait(name)

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return sum(map(len, [part async for part in request.stream()]))

    app.add_middleware(WaitingMiddleware)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server")
    yield f"http://127.0.0.1:{port}", seen
    server.should_exit = True
    thread.join(60)


@pytest.mark.parametrize("body", [None, b'{"x": 1}'])
def test_a_client_that_hangs_up_is_noticed(served: tuple[str, dict[str, object]], body: bytes | None) -> None:
    url, seen = served
    host, _, port = url.removeprefix("http://").partition(":")
    head = f"{'POST' if body else 'GET'} /wait/one HTTP/1.1\r\nHost: x\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"\r\n" + (body or b""))
        wait_until(lambda: seen.get("one") == "asked", "the question to begin")
    wait_until(lambda: seen.get("one") == "left", "the question to end")


def test_a_large_body_arrives_whole(served: tuple[str, dict[str, object]]) -> None:
    url, _ = served
    with urllib.request.urlopen(f"{url}/echo", data=b"x" * 3_000_001, timeout=60) as answer:
        assert answer.read() == b"3000001"


def test_the_end_of_the_connection_is_told_as_often_as_asked() -> None:
    told: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        told.extend([(await receive())["type"] for _ in range(3)])  # type: ignore[operator]

    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        with contextlib.suppress(StopIteration):
            return next(messages)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    asyncio.run(WaitingMiddleware(app)({"type": "http"}, receive, send))  # type: ignore[arg-type]
    assert told == ["http.request", "http.disconnect", "http.disconnect"]


def test_what_is_no_request_passes_through() -> None:
    seen: list[object] = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(scope)

    asyncio.run(WaitingMiddleware(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == [{"type": "lifespan"}]
