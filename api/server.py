"""The web server: uvicorn, told to let live tails end when it stops, and to wait for other answers only so long."""

import socket
from typing import Final

import uvicorn
from fastapi import FastAPI

PATIENCE_S: Final = 30
"""Answers that are still being sent when the service stops get so long."""


class Server(uvicorn.Server):
    """Serves one application.

    Args:
        app: The application; what its `state.live` holds is closed when the server stops.
        log_level: uvicorn's own.
    """

    def __init__(self, app: FastAPI, *, log_level: str = "warning") -> None:
        config = uvicorn.Config(
            app,
            log_level=log_level,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=PATIENCE_S,
        )
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: tails end at once, for they would never end by themselves."""
        live = getattr(self._app.state, "live", None)
        if live is not None:
            live.close()
        await super().shutdown(sockets)
