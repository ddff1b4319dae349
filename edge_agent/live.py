"""What the bus says right now, for a person: frames a second, or the latest value of every signal.

Nothing is stored. Values come from cantools, one frame of each message a moment.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from edge_agent.config import AgentConfig
from edge_agent.panel import channels_of
from edge_agent.records import table_of
from edge_agent.sampler import ChannelSampler
from edge_agent.source import FrameSource
from edge_agent.traffic import Traffic

REFRESH_S: Final = 0.5
PLAIN_S: Final = 1.0


def show_rate(
    source: FrameSource,
    config: AgentConfig,
    stop: threading.Event,
    console: Console,
    duration_s: float | None,
) -> None:
    """Show each channel once a second: a table on a terminal, else a line.

    Args:
        source: Where the frames come from.
        config: The settings that it was made with.
        stop: Ends it.
        console: Where it is drawn.
        duration_s: How long, if not until stopped.
    """
    began = last = 0.0
    traffic = Traffic()
    channels = ChannelSampler(source, traffic, config)
    title = f"{config.vehicle_id}: nothing is stored"
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for batch in source.batches(stop):
            now = time.monotonic()
            if not began:  # a simulated drive may take a moment to begin
                began = last = now
            traffic.count(batch)
            if now - last >= 1:
                last = now
                if console.is_terminal:
                    live.update(channels_of(channels.sample(), title), refresh=True)
                else:
                    _say_channels(console, channels)
            if duration_s is not None and now - began >= duration_s:
                stop.set()
    if console.is_terminal:
        console.print(channels_of(channels.sample(), title))
    else:
        _say_channels(console, channels)
    total = sum(counts.frames + counts.error_frames for counts in traffic.channels.values())
    _say(console, f"{total:,} frames seen, none stored")


def show_values(
    source: FrameSource,
    database: Any,  # noqa: ANN401  cantools carries no usable types
    stop: threading.Event,
    console: Console,
    duration_s: float | None,
) -> None:
    """Show the latest value of every signal until stopped: a table on a terminal, else lines, once a second.

    Args:
        source: Where the frames come from.
        database: A `cantools.database.Database`.
        stop: Ends it.
        console: Where it is drawn.
        duration_s: How long, if not until stopped.
    """
    began = drawn = 0.0
    board = Board(database)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for batch in source.batches(stop):
            board.take(table_of([batch], ""))
            now = time.monotonic()
            if not began:
                began = drawn = now
            if console.is_terminal and now - drawn >= REFRESH_S:
                live.update(board.table(), refresh=True)
                drawn = now
            elif not console.is_terminal and now - drawn >= PLAIN_S:
                for line in board.news():
                    _say(console, line)
                drawn = now
            if duration_s is not None and now - began >= duration_s:
                stop.set()
    if console.is_terminal:
        console.print(board.table())
    else:
        for line in board.news():
            _say(console, line)


def _say_channels(console: Console, channels: ChannelSampler) -> None:
    for one in channels.sample():
        _say(console, one.line())


def _say(console: Console, line: str) -> None:
    """A line as it is: not wrapped, not coloured, and at once even into a pipe."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.file.flush()


class Board:
    """The latest frame of every message, and how many there were."""

    def __init__(self, database: Any) -> None:  # noqa: ANN401
        self._messages = {
            (message.frame_id, bool(message.is_extended_frame)): message for message in database.messages
        }
        self._latest: dict[tuple[int, bool], bytes] = {}
        self._counts: dict[tuple[int, bool], int] = {}
        self._new: set[tuple[int, bool]] = set()

    def take(self, frames: pa.Table) -> None:
        """Note the frames (schema `RAW`)."""
        ids, extended, data = (frames[name].to_pylist() for name in ("arb_id", "is_extended_id", "data"))
        skipped = zip(
            frames["is_error_frame"].to_pylist(), frames["is_remote_frame"].to_pylist(), strict=True
        )
        for arb_id, is_extended, payload, flags in zip(ids, extended, data, skipped, strict=True):
            if not any(flags):
                key = (arb_id, is_extended)
                self._latest[key] = payload
                self._counts[key] = self._counts.get(key, 0) + 1
                self._new.add(key)

    def news(self) -> Iterator[str]:
        """A line for each message that has come since the last time, ids without a definition last."""
        new, self._new = self._new, set()
        for key in sorted(new, key=lambda key: (key not in self._messages, key)):
            values = ", ".join(
                f"{signal}={value}{' ' if unit else ''}{unit}" if signal else value
                for signal, value, unit in self._signals(key)
            )
            yield f"{_hex(key)} {self._name(key)} ({self._counts[key]}): {values}"

    def table(self) -> Table:
        """The board as it is now: one row per signal, ids without a definition last."""
        table = Table(title="latest values")
        for heading in ("id", "message", "frames", "signal"):
            table.add_column(heading)
        table.add_column("value", justify="right")
        table.add_column("unit")
        for key in sorted(self._latest, key=lambda key: (key not in self._messages, key)):
            rows = self._signals(key)
            for number, (signal, value, unit) in enumerate(rows):
                first = number == 0
                table.add_row(
                    _hex(key) if first else "",
                    escape(self._name(key)) if first else "",
                    str(self._counts[key]) if first else "",
                    *(escape(text) for text in (signal, value, unit)),
                )
        return table

    def _name(self, key: tuple[int, bool]) -> str:
        return self._messages[key].name if key in self._messages else "?"

    def _signals(self, key: tuple[int, bool]) -> list[tuple[str, str, str]]:
        payload = self._latest[key]
        if not (message := self._messages.get(key)):
            return [("", payload.hex(" "), "")]
        try:
            values = message.decode(payload, allow_truncated=True, allow_excess=True)
        except Exception as error:  # cantools raises what it meets; the board goes on
            return [("", f"{payload.hex(' ')} ({error})", "")]
        units = {signal.name: signal.unit or "" for signal in message.signals}
        return [
            (name, f"{value:.10g}" if isinstance(value, int | float) else str(value), units[name])
            for name, value in values.items()
        ] or [("", payload.hex(" "), "")]


def _hex(key: tuple[int, bool]) -> str:
    return f"0x{key[0]:08X}" if key[1] else f"0x{key[0]:03X}"
