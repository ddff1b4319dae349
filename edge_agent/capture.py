"""Frames from real buses, and never a word onto them. An adapter that fails or vanishes is waited for.

How one bus is read is `socketcan`'s and `pythoncan`'s business; what becomes of the frames is not known here.
"""

import logging
import select
import threading
import time
from collections.abc import Iterator, Sequence
from errno import ENETDOWN
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.config import AgentConfig
from edge_agent.records import NOTHING, Arrival, Records
from edge_agent.socketcan import SocketCanReader, listen_to

if TYPE_CHECKING:
    from edge_agent.pythoncan import PythonCanReader

log = logging.getLogger("edge_agent.capture")

POLL_S: Final = 0.2
LINGER_S: Final = 0.2
"""Frames are read so long after the first of them: fewer, larger reads. Their times are the kernel's.

Sooner where the kernel keeps less for us: half of what it keeps is for when this thread is late.
"""

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0
_INTERFACES: Final = Path("/sys/class/net")


class BusSource:
    """The frames of one or several CAN channels.

    A bus that cannot be opened or read is tried again after 1 s, 2 s, 4 s … 30 s, or as soon as its interface
    appears; the wait starts over once frames come. The other channels are read meanwhile.

    Args:
        config: Which buses.
    """

    origin = "capture"

    def __init__(self, config: AgentConfig) -> None:
        self.lines = [Line(config, channel) for channel in config.channels]
        self._wanted: AgentConfig | None = None

    def adopt(self, config: AgentConfig) -> None:
        """Go on with other channels and filters, without losing a frame of those that stay; before the next batch."""
        self._wanted = config

    @property
    def has_adopted(self) -> bool:
        """Whether all that was asked for has been taken on."""
        return self._wanted is None

    def batches(self, stop: threading.Event) -> Iterator[Arrival]:
        """See `edge_agent.source.FrameSource`.

        Raises:
            BadSetting: python-can has no such interface: waiting would not help.
        """
        try:
            while True:
                yield from self._take_on()
                # what came before the end was asked for is read, too
                is_last, heard = stop.is_set(), False
                wait_s = 0.0 if is_last else POLL_S / len(self.lines)
                for line in self.lines:
                    if is_last and line.reader is None:
                        continue
                    records = line.take(wait_s)
                    if records is not None and len(records):
                        heard = True
                        yield Arrival(line.channel, records)
                if is_last:
                    return
                if not heard:
                    yield NOTHING
                self._rest(stop, is_busy=heard)
        finally:
            for line in self.lines:
                line.close()

    def _take_on(self) -> Iterator[Arrival]:
        """Change the lines as it was asked for; what those that go have heard is not lost."""
        config = self._wanted
        if config is None:
            return
        lines = {line.channel: line for line in self.lines}
        self.lines = [
            lines.pop(channel) if channel in lines else Line(config, channel) for channel in config.channels
        ]
        for line in self.lines:
            line.adopt(config)
        for line in lines.values():
            records = line.take(0.0) if line.reader else None
            if records is not None and len(records):
                yield Arrival(line.channel, records)
            line.close()
        if self._wanted is config:
            self._wanted = None

    def _rest(self, stop: threading.Event, *, is_busy: bool) -> None:
        """Wait until something has come or something may be tried again; a bus that was busy still is."""
        sockets = [line.reader for line in self.lines if isinstance(line.reader, SocketCanReader)]
        if sockets:
            # buses that python-can reads are waited for where they are read
            alone = len(sockets) == sum(line.reader is not None for line in self.lines)
            if (alone and is_busy) or _is_heard(sockets, POLL_S if alone else 0.0):
                time.sleep(min(LINGER_S, *(reader.kept_s / 2 for reader in sockets)))
        elif not any(line.reader for line in self.lines):
            stop.wait(POLL_S)


def _is_heard(sockets: Sequence[SocketCanReader], wait_s: float) -> bool:
    """Whether any of them has frames, or a fault, within so many seconds."""
    poll = select.poll()
    for reader in sockets:
        poll.register(reader, select.POLLIN)
    return bool(poll.poll(wait_s * 1000))


class Line:
    """One channel: its reader while it is open, and when to try again while it is not.

    Args:
        config: How it is opened.
        channel: Which one.
    """

    def __init__(self, config: AgentConfig, channel: str) -> None:
        self.channel = channel
        self.reader: SocketCanReader | PythonCanReader | None = None
        self.reconnects = 0
        self.dropped = 0
        """Frames that the kernel had no room for since the start."""
        self._config = config
        self._failures = 0
        self._retry_at = 0.0
        self._there = True
        self._is_down = False
        self._dropped_before = 0

    def take(self, wait_s: float) -> Records | None:
        """What has come, opening the bus if it is time to; None if nothing can come.

        Raises:
            BadSetting: python-can has no such interface.
        """
        try:
            if self.reader is None:
                if not self._is_due():
                    return None
                self.reader = self.open()
                log.info("listening on %s %s", self._config.interface, self.channel)
            records = (
                self.reader.read() if isinstance(self.reader, SocketCanReader) else self.reader.read(wait_s)
            )
        except OSError as error:
            self._fail(error)
            return None
        if len(records):
            self._failures = 0
            if self._is_down:
                log.info("%s is up again", self.channel)
            self._is_down = False
        self._count_drops()
        return records

    def adopt(self, config: AgentConfig) -> None:
        """Be opened as these settings say from now on; where the kernel does the reading, without a gap."""
        before, self._config = self._config, config
        if isinstance(self.reader, SocketCanReader):
            if config.filters != before.filters:
                try:
                    self.reader.set_filters(config.can_filters)
                except OSError as error:
                    self._fail(error)
        elif any(getattr(before, name) != getattr(config, name) for name in ("filters", "bitrate", "fd")):
            self.close()
            self._retry_at = 0.0

    def open(self) -> "SocketCanReader | PythonCanReader":
        """Open the bus.

        Raises:
            BadSetting: python-can has no such interface.
            OSError: The adapter is not there or cannot be opened.
        """
        config = self._config
        if config.interface == "socketcan":
            return listen_to(self.channel, config.can_filters)
        # python-can loads a reader for every kind of log file, with all that those need
        from edge_agent.pythoncan import PythonCanReader  # noqa: PLC0415

        return PythonCanReader(
            config.interface, self.channel, bitrate=config.bitrate, fd=config.fd, filters=config.can_filters
        )

    def close(self) -> None:
        """Listen no longer."""
        if self.reader:
            self.reader.close()
        self.reader = None

    def _is_due(self) -> bool:
        there = (_INTERFACES / self.channel).exists()
        appeared, self._there = there and not self._there, there
        return appeared or time.monotonic() >= self._retry_at

    def _fail(self, error: OSError) -> None:
        if self.reader and error.errno == ENETDOWN:
            # the same socket hears again when the interface is up, and from its first frame on
            log.warning("%s is down; waiting for it to come up", self.channel)
            self._is_down = True
            return
        self.close()
        self._dropped_before = self.dropped
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures, 16))
        self._failures += 1
        self.reconnects += 1
        self._retry_at = time.monotonic() + wait
        self._there = (_INTERFACES / self.channel).exists()
        log.warning("%s is not usable (%s); trying again in %.0f s", self.channel, error, wait)

    def _count_drops(self) -> None:
        if isinstance(self.reader, SocketCanReader):
            dropped = self._dropped_before + self.reader.dropped
            if dropped > self.dropped:
                log.error("%s: the kernel dropped %d frames", self.channel, dropped - self.dropped)
            self.dropped = dropped
