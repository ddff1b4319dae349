"""Frames from a real bus through python-can, and never a word onto it. An adapter that vanishes is waited for.

What becomes of the frames is not known here.
"""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import can
import numpy as np
import pyarrow as pa

from edge_agent.config import AgentConfig
from edge_agent.frames import dlc_of, frames_table, no_frames
from telemetry_pipeline.errors import BadSetting

log = logging.getLogger("edge_agent.capture")

POLL_S: Final = 0.2
LINGER_S: Final = 0.02
MOST_AT_ONCE: Final = 10_000
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 30.0


class BusSource:
    """The frames of one CAN channel.

    A bus that cannot be opened or read is tried again after 1 s, 2 s, 4 s … 30 s; the wait starts over once
    frames come.

    Args:
        config: Which bus, and which vehicle its frames come from.
    """

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._failures = 0
        self.reconnects = 0

    def batches(self, stop: threading.Event) -> Iterator[pa.Table]:
        """See `edge_agent.source.FrameSource`.

        Raises:
            BadSetting: python-can has no such interface: waiting would not help.
        """
        while not stop.is_set():
            try:
                with self.open_bus() as bus:
                    log.info("listening on %s %s", self._config.interface, self._config.channel)
                    while not stop.is_set():
                        yield self._receive(bus)
            except (can.CanError, OSError) as error:  # an interface that is not there is a plain OSError
                yield from self._wait(error, stop)

    def open_bus(self) -> Any:  # noqa: ANN401  python-can is not typed for us
        """Open the bus.

        Raises:
            BadSetting: python-can has no such interface.
            can.CanError: The adapter cannot be opened.
            OSError: The adapter is not there.
        """
        config = self._config
        options: dict[str, Any] = {"bitrate": config.bitrate} if config.bitrate else {}
        if config.fd:
            options["fd"] = True
        try:
            return can.Bus(interface=config.interface, channel=config.channel, **options)
        except can.CanInterfaceNotImplementedError as error:
            raise BadSetting(
                f"python-can cannot use the interface {config.interface!r} ({error})",
                "interface",
                f"Use one of {', '.join(sorted(can.VALID_INTERFACES))}",
            ) from error

    def _receive(self, bus: Any) -> pa.Table:  # noqa: ANN401
        first = bus.recv(POLL_S)
        if first is None:
            return no_frames()
        self._failures = 0
        messages = [first]
        until = time.monotonic() + LINGER_S
        while len(messages) < MOST_AT_ONCE and (left := until - time.monotonic()) > 0:
            if message := bus.recv(left):
                messages.append(message)
        return messages_table(messages, self._config.vehicle_id, self._config.channel)

    def _wait(self, error: Exception, stop: threading.Event) -> Iterator[pa.Table]:
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures, 16))
        self._failures += 1
        self.reconnects += 1
        log.warning("%s is not usable (%s); trying again in %.0f s", self._config.channel, error, wait)
        until = time.monotonic() + wait
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            yield no_frames()
            stop.wait(min(left, POLL_S))


def messages_table(messages: list[Any], vehicle_id: str, channel: str) -> pa.Table:
    """Messages of python-can as frames.

    python-can has timestamps as float64 seconds, which hold no nanoseconds today: they are rounded to
    microseconds, the finest unit that survives.
    """
    lengths = np.array([len(message.data) for message in messages])
    # a remote frame carries no data, and its length code says how much it asks for
    asked = np.array([message.dlc if message.is_remote_frame else 0 for message in messages])
    return frames_table(
        np.array([round(message.timestamp * 1e6) * 1000 for message in messages], np.int64),
        np.array([message.arbitration_id for message in messages], np.uint32),
        pa.array([bytes(message.data) for message in messages], pa.binary()),
        vehicle_id=vehicle_id,
        channel=channel,
        is_extended_id=[message.is_extended_id for message in messages],
        is_fd=[message.is_fd for message in messages],
        is_error_frame=[message.is_error_frame for message in messages],
        is_remote_frame=[message.is_remote_frame for message in messages],
        dlc=dlc_of(np.maximum(lengths, asked)),
    )
