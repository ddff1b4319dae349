"""Whether a client still waits: whoever hangs up takes its question with it.

Readers look at `query.patience` while they wait for others; what they stop then is their business.
"""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry_pipeline.query.patience import Patience, waiting


class WaitingMiddleware:
    """Answers each request with the patience of its client, which ends when the connection does.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = _Client(receive)
        watch = asyncio.create_task(client.watch())
        try:
            with waiting(client.patience):
                await self._app(scope, client.receive, send)
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


class _Client:
    """One client, listened to by the application until its request is complete, and by us from then on."""

    def __init__(self, receive: Receive) -> None:
        self.patience = Patience()
        self._receive = receive
        self._complete = asyncio.Event()
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        """What the application is given: the request, then the end of the connection."""
        if self._complete.is_set():
            await self._left.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._leave()
        if not message.get("more_body", False):
            self._complete.set()
        return message

    async def watch(self) -> None:
        """Listen for the end of the connection."""
        await self._complete.wait()
        while not self._left.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()

    def _leave(self) -> None:
        self.patience.leave()
        self._left.set()
