"""How the agent is: one snapshot of capture, spool, upload and machine, and one line that says it.

Where the numbers come from is `sampler`'s business; who else is told, `prometheus`' and `cloudwatch`'s.
"""

from dataclasses import dataclass
from typing import Final

_UNITS: Final = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True)
class ChannelHealth:
    """One channel. Counts are since the start, rates since the snapshot before."""

    channel: str
    state: str
    """`listening`, `down`, `away`, `bus-off`, or what else the controller says of itself."""
    frames: int
    frames_per_s: float
    load: float | None
    """Share of the time in which the bus was busy, 0 to 1; None where its bitrate is not known."""
    error_frames: int
    bus_offs: int
    dropped: int
    """Frames that the kernel had no room for."""
    overflows: int
    """Frames, or bursts of them, that the interface had no room for."""
    reconnects: int

    def line(self, *, rate: bool = True) -> str:
        """The channel in a few words; counts of what did not happen are left out."""
        words = [self.channel, self.state]
        if rate:
            words.append(f"{self.frames_per_s:.0f} frames/s")
        if self.load is not None:
            words.append(f"load {self.load:.0%}")
        counts = {
            "error frames": self.error_frames,
            "bus-offs": self.bus_offs,
            "DROPPED": self.dropped,
            "overflows": self.overflows,
            "reconnects": self.reconnects,
        }
        return " ".join([*words, *(f"{count} {name}" for name, count in counts.items() if count)])


@dataclass(frozen=True)
class Health:
    """The agent at one moment. Sizes are bytes, counts are since the start unless they say otherwise."""

    vehicle_id: str
    at_s: float
    """By the wall clock, seconds since the epoch, whatever that is worth."""
    uptime_s: float
    channels: tuple[ChannelHealth, ...]
    clock: str
    """`known`, `unsynced` or `unknown`."""
    windows_waiting: int
    """In the spool, now."""
    spool_bytes: int
    disk_free_bytes: int
    disk_bytes: int
    cpu_celsius: float | None
    landed: int
    landed_frames: int
    landed_bytes: int
    upload_failures: int
    lost_frames: int
    """What had to go for want of room on the disk and in memory."""
    settings: str = ""
    """Which settings from the lake apply; empty if none do."""
    settings_refused: str = ""
    """Which were refused last, and why."""

    @property
    def frames_per_s(self) -> float:
        """Of all channels."""
        return sum(channel.frames_per_s for channel in self.channels)

    @property
    def disk_used(self) -> float:
        """Share of the spool's disk that is full, 0 to 1."""
        return 1 - self.disk_free_bytes / self.disk_bytes if self.disk_bytes else 0.0

    def line(self) -> str:
        """All that matters, in one line; what is well and not worth a word is left out."""
        said = [f"{self.frames_per_s:.0f} frames/s"]
        said += [one.line(rate=len(self.channels) > 1) for one in self.channels]
        said.append(f"{self.windows_waiting} windows wait ({size_of(self.spool_bytes)})")
        said.append(f"{self.landed} landed ({self.landed_frames} frames, {self.landed_bytes} bytes)")
        if self.upload_failures:
            said.append(f"{self.upload_failures} uploads failed")
        if self.lost_frames:
            said.append(f"{self.lost_frames} frames LOST")
        said.append(f"disk {self.disk_used:.0%} ({size_of(self.disk_free_bytes)} free)")
        if self.cpu_celsius is not None:
            said.append(f"CPU {self.cpu_celsius:.0f} °C")
        said.append(f"clock {self.clock}")
        if self.settings:
            said.append(f"settings {self.settings}")
        if self.settings_refused:
            said.append(f"refused settings {self.settings_refused}")
        return ", ".join(said)


def size_of(count: float) -> str:
    """Bytes, for a person."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:.0f} B"
