"""Apps with their start and end, clients that talk to them, and an issuer whose keys they know."""

import threading
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn

from telemetry_pipeline.cli.serve import listen
from tests.oidc import Issuer
from tests.servers import wait_until


@contextmanager
def running(app):
    """A client of the application behind a real server on a loopback port."""
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive(), "the server to start", pause=0.01)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def serving():
    """Start applications that end with the test: `serving(app)` gives a client."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(running(app))


@pytest.fixture
def issuer():
    """An issuer of tokens that nobody else uses."""
    running = Issuer()
    yield running
    running.close()
