"""`telemetry serve`: the API and the dashboard on one port."""

import socket
import sys
from typing import Annotated, Final

import typer
from rich.console import Console

from telemetry_pipeline.cli.console import settings
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.query import heap
from telemetry_pipeline.service_settings import origin_of

PORTS_TRIED: Final = 50

TURN_S: Final = 0.001
"""How long a thread that computes keeps the interpreter while the event loop wants it: a fifth of Python's own."""


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every interface.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; the next free one when it is taken, 0 for any.")
    ] = 8000,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(help="Another origin whose pages may call the API, such as http://localhost:5173."),
    ] = None,
) -> None:
    """Serve the API and the dashboard until interrupted."""
    from api.door import open_app  # noqa: PLC0415  only this command needs a web server
    from api.server import Server  # noqa: PLC0415

    heap.give_back()
    sys.setswitchinterval(TURN_S)
    chosen = settings()
    app = open_app(
        chosen,
        host=host,
        dashboard=chosen.dashboard,
        origins=[origin_of(text) for text in allow_origin or ()],
    )
    with listen(host, port) as listener:
        taken = listener.getsockname()[1]
        console = Console(highlight=False)
        if port not in (0, taken):
            console.print(f"port {port} is taken, using {taken}")
        shown = "127.0.0.1" if host in ("", "0.0.0.0") else f"[{host}]" if ":" in host else host  # noqa: S104  it is compared, not bound
        console.print(
            f"Dashboard http://{shown}:{taken}/   API http://{shown}:{taken}/docs   lake {chosen.lake}"
        )
        if chosen.service.issuer is None:
            console.print(
                "Nobody signs in: this machine alone is answered. TELEMETRY_AUTH_ISSUER changes that."
            )
        Server(app).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port`, or on the next free one above it.

    Raises:
        BadSetting: The host is not one of this machine, or no port near is free.
    """
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise BadSetting("no such address", host, "Use 127.0.0.1, or 0.0.0.0 for every interface") from error
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise BadSetting(
        f"cannot listen on port {port} or the {PORTS_TRIED - 1} above it",
        host,
        "Use another --host or --port",
    )
