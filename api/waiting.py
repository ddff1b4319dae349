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
    """One client: everything it sends passes here first, at most one message ahead of the application."""

    def __init__(self, receive: Receive) -> None:
        self.patience = Patience()
        self._receive = receive
        self._messages: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)

    async def receive(self) -> Message:
        """What the application is given: the request, then the end of the connection, as often as it asks."""
        if self.patience.gone and self._messages.empty():
            return {"type": "http.disconnect"}
        return await self._messages.get()

    async def watch(self) -> None:
        """Listen until the connection ends: the application need not, and often does not."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.patience.leave()
            await self._messages.put(message)
            if self.patience.gone:
                return
