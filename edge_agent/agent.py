"""The agent: arrivals into journals, journals into the spool, the spool into the lake. Ends when it is told to."""

import logging
import threading
import time
from collections.abc import Callable
from errno import EDQUOT, EIO, ENOSPC, EROFS
from pathlib import Path
from typing import Final

from edge_agent.capture import BusSource
from edge_agent.chain import Chain
from edge_agent.cloudwatch import CloudWatch
from edge_agent.config import AgentConfig
from edge_agent.credentials import find_credentials, open_lake
from edge_agent.health import Health
from edge_agent.monitor import Monitor
from edge_agent.notify import ServiceManager
from edge_agent.prometheus import write_metrics
from edge_agent.remote import RemoteSettings
from edge_agent.sampler import ChannelSampler, Sampler
from edge_agent.settings_folder import SettingsFolder
from edge_agent.source import FrameSource
from edge_agent.spool import Spool
from edge_agent.traffic import Traffic
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.store import Store

log = logging.getLogger("edge_agent")

PANEL_S: Final = 1.0
VOLATILE: Final = Path("/dev/shm")  # noqa: S108  it is memory that is wanted
_DISK_FAULTS: Final = frozenset({EROFS, ENOSPC, EDQUOT, EIO})

UPLOAD_TIMEOUT_S: Final = 300.0
"""How long one window may be on its way: three megabytes through a line of 100 kbit/s take four minutes."""

METRICS_GRACE_S: Final = 2.0
"""How long the end waits to tell of itself: less than the service manager has patience for, with all before it."""


class Agent:
    """Captures until it is stopped.

    Args:
        config: The vehicle's own settings; those from the lake lie over them.
        source: Where the frames come from.
        manager: Who is told that capture moves; nobody, unless given.
        panel: Draws health every second, for a person.
    """

    def __init__(
        self,
        config: AgentConfig,
        source: FrameSource,
        manager: ServiceManager | None = None,
        panel: Callable[[Health], None] | None = None,
    ) -> None:
        self._own = self._config = config
        self._wanted: AgentConfig | None = None
        self._source = source
        self._manager = manager or ServiceManager()
        self._panel = panel
        self._traffic = Traffic()

    def run(self, stop: threading.Event, duration_s: float | None = None) -> None:
        """Capture until `stop` is set or the duration is over, then save and try to upload what there is.

        What could not be uploaded waits in the spool for the next start.

        Raises:
            BadSetting: The spool or the interface cannot be used.
            TransientError: A thread is gone.
        """
        with open_spool(self._own) as spool:
            remote = self._begin_settings(spool)
            if left := spool.waiting():
                log.info("%d windows of an earlier run wait in %s", len(left), spool.folder)
            chain = Chain(self._config, spool, self._source.origin, self._open_store)
            cloudwatch = self._open_cloudwatch()
            monitors = self._monitors(chain, remote, cloudwatch)
            chain.start()
            for begun in (*monitors, *([cloudwatch] if cloudwatch else ()), *([remote] if remote else ())):
                begun.start()
            try:
                self._capture(stop, duration_s, chain)
            finally:
                self._manager.stopping()
                if remote:
                    remote.stop(0.0)
                lost = chain.stop()
                for monitor in monitors:
                    monitor.stop(METRICS_GRACE_S)
                if cloudwatch:
                    cloudwatch.stop(METRICS_GRACE_S)
                landed = chain.uploader.landed
                log.info(
                    "stopped: %d windows landed (%d frames), %d wait for the next start, %d frames lost",
                    *(landed.objects, landed.frames, len(spool.waiting()), lost),
                )

    def adopt(self, config: AgentConfig) -> None:
        """See `edge_agent.remote.Capture`: the capturing thread takes them on between two batches."""
        self._wanted = config

    def has_adopted(self, config: AgentConfig) -> bool:
        """See `edge_agent.remote.Capture`."""
        has_source = not isinstance(self._source, BusSource) or self._source.has_adopted
        return self._config is config and has_source

    def deaf_channels(self) -> set[str]:
        """See `edge_agent.remote.Capture`."""
        lines = self._source.lines if isinstance(self._source, BusSource) else []
        return {line.channel for line in lines if line.reader is None}

    def _capture(self, stop: threading.Event, duration_s: float | None, chain: Chain) -> None:
        began = time.monotonic()
        for arrival in self._source.batches(stop):
            now = time.monotonic()
            if (wanted := self._wanted) and wanted is not self._config:
                if isinstance(self._source, BusSource):
                    self._source.adopt(wanted)
                chain.take_on(wanted)
                self._config = wanted
            self._traffic.count(arrival)
            chain.recorder.add(arrival, now)
            self._manager.moved()
            chain.check()
            if duration_s is not None and now - began >= duration_s:
                stop.set()

    def _begin_settings(self, spool: Spool) -> RemoteSettings | None:
        """Start with the last settings from the lake that worked, if any are to be looked for."""
        if not self._own.settings_seconds:
            return None
        folder = SettingsFolder(spool.folder / "settings")
        self._config, version = folder.begin(self._own)
        if isinstance(self._source, BusSource):
            self._source.adopt(self._config)
        return RemoteSettings(self._own, (self._config, version), folder, self._open_store, self)

    def _monitors(
        self, chain: Chain, remote: RemoteSettings | None, cloudwatch: CloudWatch | None
    ) -> list[Monitor]:
        def sample() -> Callable[[], Health]:
            return Sampler(chain, ChannelSampler(self._source, self._traffic, self._own), remote).sample

        outlets: list[Callable[[Health], None]] = [
            lambda health: log.info("%s", health.line()),
            lambda health: self._manager.status(health.line()),
        ]
        if file := self._own.metrics_file:
            outlets.append(lambda health: write_metrics(health, file))
        if cloudwatch:
            outlets.append(cloudwatch.put)
        if not self._panel:
            return [Monitor(sample(), self._own.health_seconds, outlets)]
        # who looks at the panel needs no line for what it shows
        return [
            Monitor(sample(), self._own.health_seconds, outlets[1:]),
            Monitor(sample(), PANEL_S, [self._panel]),
        ]

    def _open_store(self) -> Store:
        return open_lake(self._own, UPLOAD_TIMEOUT_S)

    def _open_cloudwatch(self) -> CloudWatch | None:
        own = self._own
        if not own.cloudwatch_namespace:
            return None
        return CloudWatch(
            *(own.cloudwatch_namespace, own.region or "", lambda: find_credentials(own)),
            endpoint_url=own.cloudwatch_url,
        )


def open_spool(config: AgentConfig) -> Spool:
    """The spool; on a disk that is broken, full or can only be read, one in memory, so that capture goes on.

    Raises:
        BadSetting: It cannot be used for a reason that a person has to look at.
    """
    try:
        return Spool(config.spool)
    except BadSetting as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in _DISK_FAULTS:
            raise
        folder = VOLATILE / f"telemetry-agent-{config.vehicle_id}"
        log.warning("%s; windows wait in memory (%s), and a power cut loses them", error, folder)
        return Spool(folder)
