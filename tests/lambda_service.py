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
from pathlib import Path
from typing import Any

from tests.servers import Answer, Asked, answering, ended

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

    def answer(asked: Asked) -> Answer:
        if service.throttled > 0:
            service.throttled -= 1
            why = {"message": "Rate Exceeded."}
            return _answer(why, 429, {"x-amzn-ErrorType": "TooManyRequestsException"})
        if asked.path != f"/2015-03-31/functions/{FUNCTION}/invocations":
            why = {"Message": f"Function not found: {asked.path}"}
            return _answer(why, 404, {"x-amzn-ErrorType": "ResourceNotFoundException"})
        if "error" in (said := service.invoke(asked.body)):
            return _answer(said["error"], headers={"X-Amz-Function-Error": "Unhandled"})
        return _answer(said["answer"])

    with answering(answer) as service.endpoint:
        try:
            yield service
        finally:
            for container in service.alive:
                with ended(container, gently=False):
                    for pipe in (container.stdin, container.stdout):
                        if pipe:
                            pipe.close()


def _answer(said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(json.dumps(said).encode(), status, headers or {})
