"""A real `telemetry serve` process under load: fifty clients at once, and a hundred requests a second for a minute.

The clients are threads of this process, which take their part of the same processors; one more asks all the time whether
the server is there. Memory is the server's peak over all of it, said by the kernel.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.query_questions import Asked
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.series.tiers import S_NS

_STARTS_WITHIN_S: Final = 60
_TIMEOUT_S: Final = 60
_SENDERS: Final = 32
_HEALTH_PAUSE_S: Final = 0.02
_TICKS: Final = os.sysconf("SC_CLK_TCK")


Request = tuple[str, bytes]
"""A path and a body."""


@dataclass
class Load:
    """What became of some requests.

    Attributes:
        took_s: How long each took.
        errors: Those that were not answered with 200: what was said instead.
        seconds: How long all of them took together.
        server_cpu_s: CPU seconds of the server meanwhile.
        health_s: How long `/health` took meanwhile, every few milliseconds.
    """

    took_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0
    server_cpu_s: float = 0
    health_s: list[float] = field(default_factory=list)

    def quantile_ms(self, share: float) -> float:
        """The time that a share of the requests took at most, in milliseconds."""
        return _quantile_ms(self.took_s, share)

    def health_ms(self, share: float) -> float:
        """The same of `/health`."""
        return _quantile_ms(self.health_s, share)


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    pid: int

    @property
    def peak_mb(self) -> float:
        """The most memory that it has had, MB."""
        return self._status("VmHWM") / 1000

    @property
    def cpu_s(self) -> float:
        """Its CPU seconds so far."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@contextmanager
def serving(lake: str) -> Iterator[Server]:
    """A server over a lake, ended afterwards."""
    command = [str(Path(sys.executable).with_name("telemetry")), "serve", "--port", "0"]
    env = os.environ | {"TELEMETRY_LAKE": lake, "TELEMETRY_RATE": "0", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(_port(process), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: "subprocess.Popen[str]") -> int:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
            # whatever it says later is read, too: a full pipe would stop it
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return int(found[1])
        if time.monotonic() > deadline:
            break
    raise SystemExit(f"telemetry serve did not start ({process.poll()})")


def body_of(asked: Asked, max_points: int, shift_s: int = 0) -> tuple[str, bytes]:
    """The path and the body of a question, as the dashboard asks it, or of one so many seconds later."""
    shift_ns = shift_s * S_NS
    signals = [{"message_name": message, "signal_name": signal} for message, signal in asked.names]
    body = {
        "signals": signals,
        "start_time": format_instant(asked.start_ns + shift_ns),
        "end_time": format_instant(asked.end_ns + shift_ns),
        "max_points": max_points,
    }
    return f"/vehicles/{asked.vehicle_id}/query", json.dumps(body).encode()


def at_once(server: Server, clients: Sequence[Sequence[Request]]) -> Load:
    """Clients begin at the same moment, each with requests of its own, in an order of its own."""
    load, begin = Load(), threading.Barrier(len(clients) + 1)

    def ask(number: int) -> None:
        requests = clients[number]
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_S)
        begin.wait()
        for step in range(len(requests)):
            _send(connection, requests[(number + step) % len(requests)], load)
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(clients))]
    return _run(server, load, threads, begin)


def sustained(server: Server, requests: Iterable[Request], rate: int, seconds: int) -> Load:
    """So many requests a second, whether or not earlier ones are answered: each has its time, and waits count."""
    load, begin = Load(), threading.Barrier(_SENDERS + 1)
    turns = iter(enumerate(requests))
    lock = threading.Lock()
    started: list[float] = []

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_S)
        begin.wait()
        with lock:
            first = started[0] if started else started.append(time.monotonic()) or started[0]
        while True:
            with lock:
                number, request = next(turns)
            if number >= rate * seconds:
                break
            due = first + number / rate
            if (early := due - time.monotonic()) > 0:
                time.sleep(early)
            _send(connection, request, load, due)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(_SENDERS)]
    return _run(server, load, threads, begin)


def _run(server: Server, load: Load, threads: Sequence[threading.Thread], begin: threading.Barrier) -> Load:
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(server, load, done))
    for thread in (*threads, watch):
        thread.start()
    cpu, begun = server.cpu_s, time.monotonic()
    begin.wait()
    for thread in threads:
        thread.join()
    load.seconds, load.server_cpu_s = time.monotonic() - begun, server.cpu_s - cpu
    done.set()
    watch.join()
    return load


def _watch(server: Server, load: Load, done: threading.Event) -> None:
    """Ask all the time whether the server is there."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_S)
    while not done.wait(_HEALTH_PAUSE_S):
        begun = time.monotonic()
        try:
            connection.request("GET", "/health")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens it again
            load.errors.append(f"/health: {error!r}")
            continue
        load.health_s.append(time.monotonic() - begun)
    connection.close()


def _quantile_ms(seconds: Sequence[float], share: float) -> float:
    ordered = sorted(seconds) or [0.0]
    return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _send(
    connection: http.client.HTTPConnection, request: Request, load: Load, due: float | None = None
) -> None:
    path, body = request
    begun = time.monotonic() if due is None else due
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()  # the next request opens it again
        load.errors.append(repr(error))
        return
    load.took_s.append(time.monotonic() - begun)
    if response.status != http.HTTPStatus.OK:
        load.errors.append(f"{response.status} {said[:200]!r}")
