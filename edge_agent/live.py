"""What the bus says right now, for a person: frames per second, or the latest value of every signal.

Nothing is stored. Values come from cantools, one frame of each message a moment.
"""

import threading
import time
from typing import Any, Final

import pyarrow as pa
from rich.console import Console
from rich.live import Live
from rich.table import Table

from edge_agent.records import table_of
from edge_agent.source import FrameSource

REFRESH_S: Final = 0.5


def show_rate(source: FrameSource, stop: threading.Event, console: Console, duration_s: float | None) -> None:
    """Print frames per second, once a second."""
    began = last = time.monotonic()
    frames = total = 0
    for batch in source.batches(stop):
        now = time.monotonic()
        frames += len(batch.records)
        if now - last >= 1:
            total += frames
            console.print(f"{frames / (now - last):8.0f} frames/s   {total:,} frames")
            frames, last = 0, now
        if duration_s is not None and now - began >= duration_s:
            stop.set()
    console.print(f"{total + frames:,} frames seen, none stored")


def show_values(
    source: FrameSource,
    database: Any,  # noqa: ANN401  cantools carries no usable types
    stop: threading.Event,
    console: Console,
    duration_s: float | None,
) -> None:
    """Draw a table of the latest value of every signal until stopped.

    Args:
        source: Where the frames come from.
        database: A `cantools.database.Database`.
        stop: Ends it.
        console: Where it is drawn; without a terminal only the last state is printed.
        duration_s: How long, if not until stopped.
    """
    began = time.monotonic()
    board = Board(database)
    drawn = began
    with Live(board.table(), console=console, auto_refresh=False, transient=console.is_terminal) as live:
        for batch in source.batches(stop):
            board.take(table_of([batch], ""))
            now = time.monotonic()
            if console.is_terminal and now - drawn >= REFRESH_S:
                live.update(board.table(), refresh=True)
                drawn = now
            if duration_s is not None and now - began >= duration_s:
                stop.set()
        live.update(board.table(), refresh=not console.is_terminal)
    if console.is_terminal:
        console.print(board.table())


class Board:
    """The latest frame of every message, and how many there were."""

    def __init__(self, database: Any) -> None:  # noqa: ANN401
        self._messages = {
            (message.frame_id, bool(message.is_extended_frame)): message for message in database.messages
        }
        self._latest: dict[tuple[int, bool], bytes] = {}
        self._counts: dict[tuple[int, bool], int] = {}

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

    def table(self) -> Table:
        """The board as it is now: one row per signal, ids without a definition last."""
        table = Table(title="latest values")
        for heading in ("id", "message", "frames", "signal"):
            table.add_column(heading)
        table.add_column("value", justify="right")
        table.add_column("unit")
        for key in sorted(self._latest, key=lambda key: (key not in self._messages, key)):
            name = f"0x{key[0]:08X}" if key[1] else f"0x{key[0]:03X}"
            rows = self._signals(key)
            for number, (signal, value, unit) in enumerate(rows):
                first = number == 0
                table.add_row(
                    name if first else "",
                    self._name(key) if first else "",
                    str(self._counts[key]) if first else "",
                    signal,
                    value,
                    unit,
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
