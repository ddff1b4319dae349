"""Looks at everything that makes up the agent's health, from another thread than the one that captures.

What is done with a snapshot is `monitor`'s business.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge_agent.capture import BusSource, Line
from edge_agent.chain import Chain
from edge_agent.config import AgentConfig
from edge_agent.health import ChannelHealth, Health
from edge_agent.link import Link, lost_before_us, read_link
from edge_agent.remote import RemoteSettings
from edge_agent.source import FrameSource
from edge_agent.spool import Spool
from edge_agent.traffic import Counts, Traffic

_TEMPERATURE: Final = Path("/sys/class/thermal/thermal_zone0/temp")


class ChannelSampler:
    """The channels of a source, each time since the last.

    Args:
        source: What is listened to.
        traffic: What came over it.
        config: What kind of adapter it is, and its bitrate where the kernel does not know it.
    """

    def __init__(self, source: FrameSource, traffic: Traffic, config: AgentConfig) -> None:
        self._lines = source if isinstance(source, BusSource) else None
        self._traffic = traffic
        self._config = config
        self.vehicle_id = config.vehicle_id
        self._before: dict[str, tuple[int, float, float]] = {}
        self._at = time.monotonic()

    def sample(self) -> tuple[ChannelHealth, ...]:
        """The channels now, in the order of the settings."""
        now = time.monotonic()
        seconds, self._at = max(now - self._at, 1e-6), now
        lines = {line.channel: line for line in self._lines.lines} if self._lines else {}
        channels = self._traffic.channels
        return tuple(
            self._one(name, channels.get(name) or Counts(), lines.get(name), seconds)
            for name in dict.fromkeys([*lines, *(channels if not lines else ())])
        )

    def _one(self, name: str, counts: Counts, line: Line | None, seconds: float) -> ChannelHealth:
        frames, bits, fast = self._before.get(name, (0, 0.0, 0.0))
        link = read_link(name) if line and self._config.interface == "socketcan" else None
        self._before[name] = (counts.frames, counts.bits, counts.fast_bits)
        return ChannelHealth(
            name,
            _state(counts, line, link),
            counts.frames,
            (counts.frames - frames) / seconds,
            self._load(link, counts.bits - bits, counts.fast_bits - fast, seconds),
            counts.error_frames,
            counts.bus_offs,
            line.dropped if line else 0,
            max(counts.overflows, lost_before_us(name) if link else 0),
            line.reconnects if line else 0,
        )

    def _load(self, link: Link | None, bits: float, fast: float, seconds: float) -> float | None:
        bitrate = (link.bitrate if link else None) or self._config.bitrate
        if not bitrate:
            return None
        busy_s = bits / bitrate + fast / ((link.fast_bitrate if link else None) or bitrate)
        # frames are read in bursts: a moment may hold a little more than it lasted
        return min(1.0, busy_s / seconds)


class Sampler:
    """The whole agent, each time since the last.

    Args:
        chain: What is written, waits, has landed and had to go.
        channels: What is listened to.
        remote: Which settings from the lake apply.
    """

    def __init__(self, chain: Chain, channels: ChannelSampler, remote: RemoteSettings | None = None) -> None:
        self._chain = chain
        self._channels = channels
        self._remote = remote
        self._began = time.monotonic()

    def sample(self) -> Health:
        """The agent now."""
        chain, spool = self._chain, self._chain.spool
        free = total = 0
        with suppress(OSError):
            disk = shutil.disk_usage(spool.folder)
            free, total = disk.free, disk.total
        landed = chain.uploader.landed
        return Health(
            vehicle_id=self._channels.vehicle_id,
            at_s=time.time(),
            uptime_s=time.monotonic() - self._began,
            channels=self._channels.sample(),
            clock=chain.clock.read().state.name.lower(),
            windows_waiting=len(spool.waiting()),
            spool_bytes=_bytes_in(spool),
            disk_free_bytes=free,
            disk_bytes=total,
            cpu_celsius=cpu_celsius(),
            landed=landed.objects,
            landed_frames=landed.frames,
            landed_bytes=landed.bytes,
            upload_failures=chain.uploader.failed,
            lost_frames=chain.recorder.lost + chain.budget.given_up.frames,
            settings=self._remote.version if self._remote else "",
            settings_refused=str(self._remote.refusal) if self._remote else "",
        )


def cpu_celsius() -> float | None:
    """How hot the processor is; None where the machine does not say."""
    with suppress(OSError, ValueError):
        return int(_TEMPERATURE.read_text()) / 1000
    return None


def _state(counts: Counts, line: Line | None, link: Link | None) -> str:
    if line and line.reader is None:
        return "away"
    if link and not link.is_up:
        return "down"
    if counts.is_off or (link and link.state == "bus-off"):
        return "bus-off"
    if link and link.state and link.state != "error-active":
        return link.state
    return "listening"


def _bytes_in(spool: Spool) -> int:
    size = 0
    with suppress(OSError):
        for path in spool.files():
            with suppress(OSError):
                size += path.stat().st_size
    return size
