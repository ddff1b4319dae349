"""Real processes for tests: free ports, readiness, and an end for exactly what was started."""

import asyncio
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DEADLINE_S = 180.0


_FIRST_PORT, _PORTS_OF_ONE, _WORKERS = 11_000, 2_000, 10
"""Below what the kernel gives away by itself (from 32,768), and above what a browser refuses to open (10,080)."""


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now, and that nobody is given before a server gets to listen on it.

    A server reads its libraries first, for seconds. A port of the kernel's own choice could be another process's by
    then, and its answers would be taken for the server's. So every worker has ports of its own and takes them in turn.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST_PORT + worker % _WORKERS * _PORTS_OF_ONE
    for step in _TURNS:
        port = first + step % _PORTS_OF_ONE
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("turns do not end")


_TURNS = itertools.count(random.randrange(_PORTS_OF_ONE))  # other runs may be on this machine


def wait_until(
    condition: Callable[[], Any], what: str, *, seconds: float = DEADLINE_S, pause: float = 0.1
) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(pause)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition without stopping the event loop."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.001)


def wait_for_http(
    url: str, process: "subprocess.Popen[bytes]", *, log: Path | None = None, any_status: bool = False
) -> None:
    """Wait until a server answers; say the end of its log when it ends or never does."""

    def words() -> str:
        return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log else ""

    def answers() -> bool:
        assert process.poll() is None, f"the server of {url} ended with {process.returncode}:\n{words()}"
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bool(response.status < 500)
        except urllib.error.HTTPError as error:
            return any_status or error.code < 500
        except (urllib.error.URLError, OSError):
            return False

    try:
        wait_until(answers, f"{url} to answer")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{words()}") from None


@contextmanager
def ended(process: "subprocess.Popen[bytes]", *, gently: bool = True) -> Iterator["subprocess.Popen[bytes]"]:
    """End a process that leads its own session, and its children, on the way out."""
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL) if gently else (signal.SIGKILL,):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20.0)


@contextmanager
def service(lake: str, log: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """`telemetry serve` over a lake until the block ends: its address, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "telemetry_pipeline.cli.main", "serve", "--port", str(port)]
    env = {**os.environ, "TELEMETRY_LAKE": lake}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
    with ended(process):
        url = f"http://127.0.0.1:{port}"
        wait_for_http(f"{url}/health", process, log=log)
        yield url, process


@dataclass(frozen=True)
class Asked:
    """A request: its method, its path with the query, its headers, its body."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is said to a request; the length of the body is added."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def answering(answer: Callable[[Asked], Answer], port: int = 0) -> Iterator[str]:
    """Serve GET and POST on loopback in a thread of this process until the block ends; the address of the server.

    Args:
        answer: Says what a request is answered; called by several threads at once.
        port: Where; 0 for any free port.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = answer(Asked(self.command, self.path, self.headers, body))
            self.send_response(said.status)
            for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
