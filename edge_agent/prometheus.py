"""Health as a file in Prometheus' text format, for node_exporter's textfile collector.

A whole client library would bring a registry, a server and its own idea of when a value is taken, for forty lines of
text that are all taken at one moment.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_agent.health import ChannelHealth, Health

_CLOCKS: Final = ("known", "unsynced", "unknown")
_CHANNEL: Final = {
    # metric: (kind, what it is, attribute)
    "frames_total": ("counter", "Frames that arrived", "frames"),
    "error_frames_total": ("counter", "Error frames that arrived", "error_frames"),
    "bus_offs_total": ("counter", "How often the controller withdrew from the bus", "bus_offs"),
    "frames_dropped_total": ("counter", "Frames that the kernel had no room for", "dropped"),
    "interface_overflows_total": ("counter", "Frames that the interface had no room for", "overflows"),
    "reconnects_total": ("counter", "How often the bus had to be opened anew", "reconnects"),
    "bus_load_ratio": ("gauge", "Share of the time in which the bus was busy", "load"),
}
_AGENT: Final = {
    "uptime_seconds": ("gauge", "Since the start of the agent", "uptime_s"),
    "windows_waiting": ("gauge", "Windows that wait for the lake", "windows_waiting"),
    "spool_bytes": ("gauge", "What lies in the spool", "spool_bytes"),
    "disk_free_bytes": ("gauge", "What is free on the spool's disk", "disk_free_bytes"),
    "disk_bytes": ("gauge", "The spool's disk", "disk_bytes"),
    "cpu_celsius": ("gauge", "Temperature of the processor", "cpu_celsius"),
    "windows_landed_total": ("counter", "Windows that the lake has confirmed", "landed"),
    "frames_landed_total": ("counter", "Frames in them", "landed_frames"),
    "bytes_landed_total": ("counter", "Bytes of them", "landed_bytes"),
    "upload_failures_total": ("counter", "Uploads that failed, each to be tried again", "upload_failures"),
    "frames_lost_total": ("counter", "Frames that nothing had room for", "lost_frames"),
    "snapshot_timestamp_seconds": ("gauge", "When all of this was so", "at_s"),
}


def write_metrics(health: Health, path: Path) -> None:
    """Replace the file whole: a collector sees the snapshot before or this one.

    Raises:
        OSError: It cannot be written.
    """
    # collectors read *.prom only
    staged = path.with_name(f".{path.name}.staged")
    staged.write_text(metrics_of(health), encoding="utf-8")
    staged.chmod(0o644)
    os.replace(staged, path)  # noqa: PTH105  Path.replace says less


def metrics_of(health: Health) -> str:
    """The snapshot as text; what is not known is not there."""
    return "".join(f"{line}\n" for line in _lines(health))


def _lines(health: Health) -> Iterator[str]:
    vehicle = f'vehicle_id="{health.vehicle_id}"'
    for name, (kind, meaning, attribute) in _CHANNEL.items():
        rows = [(one, getattr(one, attribute)) for one in health.channels]
        known = [(one, value) for one, value in rows if value is not None]
        if known:
            yield from _head(name, kind, meaning)
        yield from (f"can_agent_{name}{{{vehicle},{_channel(one)}}} {value!r}" for one, value in known)
    if health.channels:
        yield from _head("channel_state", "gauge", "1 for the state that the channel is in")
    for one in health.channels:
        yield f'can_agent_channel_state{{{vehicle},{_channel(one)},state="{_escaped(one.state)}"}} 1'
    for name, (kind, meaning, attribute) in _AGENT.items():
        if (value := getattr(health, attribute)) is not None:
            yield from _head(name, kind, meaning)
            yield f"can_agent_{name}{{{vehicle}}} {value!r}"
    yield from _head("clock", "gauge", "1 for how sure the times are")
    for clock in _CLOCKS:
        yield f'can_agent_clock{{{vehicle},state="{clock}"}} {int(clock == health.clock)}'
    yield from _head("settings", "gauge", "1: which settings from the lake apply, and which were refused")
    applied, refused = _escaped(health.settings), _escaped(health.settings_refused)
    yield f'can_agent_settings{{{vehicle},applied="{applied}",refused="{refused}"}} 1'


def _head(name: str, kind: str, meaning: str) -> Iterator[str]:
    yield f"# HELP can_agent_{name} {meaning}"
    yield f"# TYPE can_agent_{name} {kind}"


def _channel(one: ChannelHealth) -> str:
    return f'channel="{_escaped(one.channel)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
