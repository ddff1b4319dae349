"""The agent's health for a person at a terminal: drawn anew each second, with the log above it."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from edge_agent.health import ChannelHealth, Health, size_of


class Panel:
    """Draws what it is shown, from `open` to `close`.

    Args:
        console: Where; a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def show(self, health: Health) -> None:
        """Draw it; the first time begins."""
        if not self._live.is_started:
            self._live.start()
        self._live.update(panel_of(health), refresh=True)

    def close(self) -> None:
        """Leave the last drawing where it is."""
        self._live.stop()


def panel_of(health: Health) -> RenderableType:
    """Channels, and below them everything else."""
    rest = Table.grid(padding=(0, 2))
    rest.add_column(style="dim")
    rest.add_column()
    disk = f"{size_of(health.spool_bytes)} in the spool, disk {health.disk_used:.0%} full"
    rest.add_row("waiting", f"{health.windows_waiting} windows, {disk}")
    failures = f", [red]{health.upload_failures} uploads failed[/]" if health.upload_failures else ""
    frames = f"{health.landed_frames:,} frames, {size_of(health.landed_bytes)}"
    rest.add_row("landed", f"{health.landed} windows, {frames}{failures}")
    if health.lost_frames:
        rest.add_row("lost", f"[red]{health.lost_frames:,} frames[/]")
    warm = f", CPU {health.cpu_celsius:.0f} °C" if health.cpu_celsius is not None else ""
    rest.add_row("clock", f"{health.clock}{warm}")
    if health.settings or health.settings_refused:
        refused = f", [red]refused[/] {escape(health.settings_refused)}" if health.settings_refused else ""
        rest.add_row("settings", f"{health.settings or 'our own'}{refused}")
    return Group(channels_of(health.channels, health.vehicle_id), rest)


def channels_of(channels: Sequence[ChannelHealth], title: str) -> Table:
    """One row for each channel; what went wrong is red."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("channel")
    table.add_column("state")
    for heading in ("frames/s", "load", "frames", "errors", "bus-offs", "dropped", "reconnects"):
        table.add_column(heading, justify="right")
    for one in channels:
        table.add_row(
            escape(one.channel),
            one.state if one.state == "listening" else f"[red]{one.state}[/]",
            f"{one.frames_per_s:.0f}",
            "" if one.load is None else f"{one.load:.0%}",
            f"{one.frames:,}",
            *(
                f"[red]{count:,}[/]" if count else "0"
                for count in (one.error_frames, one.bus_offs, one.dropped + one.overflows, one.reconnects)
            ),
        )
    return table
