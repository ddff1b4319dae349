"""A stand-in for AWS Lambda that speaks its Invoke API over HTTP, so that boto3's own client talks to it.

Invocations really run our handler, from this source tree, in warm containers that are processes. What Lambda does
beside that (packages, memory limits, its own network) is not here.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers import ended

ROOT = Path(__file__).parents[1]
FUNCTION = "decoder"


@dataclass
class Service:
    """The service's endpoint, and what it saw.

    Attributes:
        endpoint: For AWS_ENDPOINT_URL_LAMBDA.
        payloads: The events of all invocations, in order.
        containers: How many processes were started.
        throttled: So many of the next requests are refused.
    """

    env: Mapping[str, str]
    fatal_vehicle: str = "-"
    objects: int = 1_000_000
    endpoint: str = ""
    payloads: list[dict[str, Any]] = field(default_factory=list)
    containers: int = 0
    throttled: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    idle: "queue.SimpleQueue[subprocess.Popen[bytes]]" = field(default_factory=queue.SimpleQueue)
    alive: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def invoke(self, body: bytes) -> dict[str, Any]:
        """Answer an event by a container that is idle, or by a new one."""
        with self.lock:
            self.payloads.append(json.loads(body))
        try:
            container = self.idle.get_nowait()
        except queue.Empty:
            container = self._start()
        assert container.stdin
        assert container.stdout
        container.stdin.write(body.replace(b"\n", b" ") + b"\n")
        container.stdin.flush()
        line = container.stdout.readline()
        if not line:  # what AWS says of a process that was killed for its memory
            return {"error": {"errorType": "Runtime.OutOfMemory", "errorMessage": "signal: killed"}}
        self.idle.put(container)
        return json.loads(line)

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(ROOT / "tests" / "function_container.py")]
        container = subprocess.Popen(
            [*command, self.fatal_vehicle, str(self.objects)],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **self.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with self.lock:
            self.containers += 1
            self.alive.append(container)
        return container


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """Serve on loopback; end the containers afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if service.throttled > 0:
                service.throttled -= 1
                self._say(
                    429, {"message": "Rate Exceeded."}, {"x-amzn-ErrorType": "TooManyRequestsException"}
                )
            elif self.path != f"/2015-03-31/functions/{FUNCTION}/invocations":
                why = {"Message": f"Function not found: {self.path}"}
                self._say(404, why, {"x-amzn-ErrorType": "ResourceNotFoundException"})
            elif "error" in (answer := service.invoke(body)):
                self._say(200, answer["error"], {"X-Amz-Function-Error": "Unhandled"})
            else:
                self._say(200, answer["answer"], {})

        def _say(self, status: int, answer: Any, headers: Mapping[str, str]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    service.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for container in service.alive:
            with ended(container, gently=False):
                for pipe in (container.stdin, container.stdout):
                    if pipe:
                        pipe.close()
