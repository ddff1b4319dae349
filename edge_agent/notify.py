"""What the service manager is told (sd_notify): that capture runs, that it still moves, how it goes, that it ends.

A message is one datagram; whoever listens decides what becomes of it. Without a service manager nothing happens.
"""

import logging
import socket
import time

log = logging.getLogger("edge_agent.notify")


class ServiceManager:
    """systemd, or whatever listens at its socket.

    Args:
        address: A path, or `@name` of the abstract kind; empty if nobody listens.
        watchdog_s: After how many seconds without a sign of life it kills the agent; None if it does not.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        # three signs for each that is waited for: one late thread is no hang
        self._every_s = watchdog_s / 3 if watchdog_s else None
        self._due = 0.0
        self._is_ready = False
        self.failures = 0

    def moved(self) -> None:
        """Say that capture moves: to be called by whoever captures, and by nobody else, several times a second.

        The first call says that the agent is ready. A silent bus moves, too; a thread that hangs does not.
        """
        now = time.monotonic()
        if not self._is_ready:
            self._is_ready = self._send("READY=1")
        if self._every_s is not None and now >= self._due:
            self._due = now + self._every_s
            self._send("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Say in one line how it goes."""
        self._send(f"STATUS={line}")

    def stopping(self) -> None:
        """Say that the agent ends."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> bool:
        """Whether nothing is left to be done about it."""
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as here:
                here.sendto(message.encode(), self._address)
        except OSError as error:  # capture goes on whoever listens
            self.failures += 1
            if self.failures == 1:
                log.warning("the service manager does not listen at %r (%s)", self._address, error)
            return False
        return True
