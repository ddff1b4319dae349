"""Frames of any adapter that python-can knows, and never a word to it. When a bus is opened anew is not known here."""

import time
from typing import Any, Final

import can
import numpy as np

from edge_agent.filters import Filter
from edge_agent.records import (
    BITRATE_SWITCH,
    CLASSIC,
    ERROR,
    ERROR_STATE,
    EXTENDED,
    FD,
    REMOTE,
    WIDE,
    Records,
)
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.layout import DAY_NS

LINGER_S: Final = 0.02
MOST_AT_ONCE: Final = 10_000


class PythonCanReader:
    """One opened bus.

    Args:
        interface: python-can's name of the kind of adapter.
        channel: The adapter's channel.
        bitrate: Bits per second, if the adapter is to be told.
        fd: Receive CAN FD frames too.
        filters: The frames that are wanted; none is all.

    Raises:
        BadSetting: python-can has no such interface.
        OSError: The adapter is not there or cannot be opened.
    """

    def __init__(
        self, interface: str, channel: str, *, bitrate: int | None, fd: bool, filters: list[Filter]
    ) -> None:
        options: dict[str, Any] = {"bitrate": bitrate} if bitrate else {}
        if fd:
            options["fd"] = True
        if filters:
            options["can_filters"] = [
                {"can_id": one.arb_id, "can_mask": one.mask, "extended": one.extended} for one in filters
            ]
        try:
            self._bus: Any = can.Bus(interface=interface, channel=channel, **options)
        except can.CanInterfaceNotImplementedError as error:
            raise BadSetting(
                f"python-can cannot use the interface {interface!r} ({error})",
                "interface",
                f"Use one of {', '.join(sorted(can.VALID_INTERFACES))}",
            ) from error
        except can.CanError as error:
            raise OSError(str(error)) from error
        self._anchor = 0

    def read(self, wait_s: float) -> Records:
        """What comes within `wait_s` seconds and a moment after it, `stamp` in nanoseconds since the epoch.

        Raises:
            OSError: The adapter fails or is gone.
        """
        try:
            messages = self._receive(wait_s)
        except can.CanError as error:
            raise OSError(str(error)) from error
        if not messages:
            return np.empty(0, CLASSIC)
        records = records_of_messages(messages)
        self._date(records)
        return records

    def close(self) -> None:
        """Let go of the adapter."""
        self._bus.shutdown()

    def _receive(self, wait_s: float) -> list[Any]:
        first = self._bus.recv(wait_s)
        if first is None:
            return []
        messages = [first]
        until = time.monotonic() + LINGER_S
        while len(messages) < MOST_AT_ONCE and (left := until - time.monotonic()) > 0:
            if message := self._bus.recv(left):
                messages.append(message)
        return messages

    def _date(self, records: Records) -> None:
        """Some adapters count from their own start: their first frame was just now."""
        now = time.time_ns()
        if abs(int(records["stamp"][-1]) + self._anchor - now) > DAY_NS:
            self._anchor = now - int(records["stamp"][-1])
        records["stamp"] += self._anchor


def records_of_messages(messages: list[Any]) -> Records:
    """Messages of python-can as records.

    python-can has timestamps as float64 seconds, which hold no nanoseconds today: they are rounded to
    microseconds, the finest unit that survives.
    """
    wide = any(message.is_fd or len(message.data) > 8 for message in messages)
    records = np.zeros(len(messages), WIDE if wide else CLASSIC)
    for record, message in zip(records, messages, strict=True):
        record["stamp"] = round(message.timestamp * 1e6) * 1000
        record["id"] = (
            message.arbitration_id
            | (EXTENDED if message.is_extended_id else 0)
            | (REMOTE if message.is_remote_frame else 0)
            | (ERROR if message.is_error_frame else 0)
        )
        record["flags"] = (
            FD
            | (BITRATE_SWITCH if message.bitrate_switch else 0)
            | (ERROR_STATE if message.error_state_indicator else 0)
            if message.is_fd
            else 0
        )
        # a remote frame carries no data, and its length code says how much it asks for
        record["length"] = message.dlc if message.is_remote_frame else len(message.data)
        record["data"][: len(message.data)] = np.frombuffer(message.data, np.uint8)
    return records
