"""The line between everybody and the store: a relay that can be shut, slow or silent. What runs through it is not known."""

import socket
import threading
import time
from contextlib import suppress
from typing import Final, Literal

Mode = Literal["open", "shut", "slow", "silent"]

CHUNK: Final = 16_384
SLOW_S: Final = 0.05
"""What each chunk waits for on a slow line: 300 kB a second, each way."""


class Gate:
    """Relays loopback connections to a port, from a port of its own.

    Args:
        target: The port behind it.

    Attributes:
        port: The port before it.
        mode: `shut` breaks what is open and takes nothing, `silent` takes everything and answers nothing.
        passed: Bytes that ran through, both ways.
    """

    def __init__(self, target: int) -> None:
        self.mode: Mode = "open"
        self.passed = 0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: Final = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._over = False
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self, mode: Mode) -> None:
        """Change the mode; whoever shuts it breaks what is open."""
        self.mode = mode
        if mode == "shut":
            for connection in list(self._open):
                _break(connection)

    def close(self) -> None:
        """Take nothing any more."""
        self._over = True
        self.shut("shut")
        _break(self._listener)

    def _accept(self) -> None:
        while not self._over:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "shut":
                _break(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                _break(near)
                continue
            far.settimeout(None)
            self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(CHUNK):
                while self.mode == "silent":
                    time.sleep(SLOW_S)
                if self.mode == "slow":
                    time.sleep(SLOW_S)
                sink.sendall(part)
                self.passed += len(part)
        for connection in (source, sink):
            self._open.discard(connection)
            _break(connection)


def _break(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
