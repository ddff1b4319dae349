"""The agent: arrivals into journals, journals into the spool, the spool into the lake. Ends when it is told to."""

import logging
import threading
import time
from collections.abc import Callable
from errno import EDQUOT, EIO, ENOSPC, EROFS
from pathlib import Path
from typing import Final

from edge_agent.budget import Budget
from edge_agent.clock import GivenClock, SystemClock
from edge_agent.closing import Closer
from edge_agent.cloudwatch import CloudWatch
from edge_agent.config import AgentConfig
from edge_agent.credentials import find_credentials, open_lake
from edge_agent.health import Health
from edge_agent.journal_name import JournalName
from edge_agent.monitor import Monitor
from edge_agent.notify import ServiceManager
from edge_agent.prometheus import write_metrics
from edge_agent.recorder import Recorder
from edge_agent.sampler import ChannelSampler, Sampler
from edge_agent.source import FrameSource
from edge_agent.spool import Spool
from edge_agent.traffic import Traffic
from edge_agent.upload import Uploader
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake.store import Store

log = logging.getLogger("edge_agent")

PANEL_S: Final = 1.0
VOLATILE: Final = Path("/dev/shm")  # noqa: S108  it is memory that is wanted
VOLATILE_MEGABYTES: Final = 64
_DISK_FAULTS: Final = frozenset({EROFS, ENOSPC, EDQUOT, EIO})

UPLOAD_TIMEOUT_S: Final = 300.0
"""How long one window may be on its way: three megabytes through a line of 100 kbit/s take four minutes."""

METRICS_GRACE_S: Final = 2.0
GRACE_S: Final = 5.0
"""How long the end waits for the last window, and again for the last upload: any service manager has that patience."""


class Agent:
    """Captures until it is stopped.

    Args:
        config: The settings.
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
        self._config = config
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
        config = self._config
        with open_spool(config) as spool:
            wall = SystemClock(config.clock_wait_seconds, spool.passed_ns)
            # a simulated drive has its own time
            clock = wall if self._source.origin == "capture" else GivenClock()
            name = JournalName.first(spool.folder, self._source.origin, config.vehicle_id)
            uploader = Uploader(
                *(self._open_store, spool),
                bytes_per_s=config.upload_kilobytes_per_second * 1000 or None,
                keep=config.keep_landed,
            )
            if left := spool.waiting():
                log.info("%d windows of an earlier run wait in %s", len(left), spool.folder)
            most = config.spool_megabytes if spool.folder == config.spool else VOLATILE_MEGABYTES
            budget = Budget(
                *(spool, most * 1_000_000, config.free_megabytes * 1_000_000),
                newest_first=config.give_up == "newest",
            )
            closer = Closer(
                *(spool, clock, wall, name.boot, uploader.wake),
                make_room=lambda: budget.enforce(recorder.open_journal),
            )
            recorder: Recorder = Recorder(
                *(spool.folder, name, clock, closer.take),
                window_s=config.window_seconds,
                max_frames=config.max_frames,
                sync_s=config.sync_seconds,
            )

            def sampler() -> Callable[[], Health]:
                channels = ChannelSampler(self._source, self._traffic, config)
                return Sampler(
                    *(config, channels),
                    clock=clock,
                    spool=spool,
                    recorder=recorder,
                    uploader=uploader,
                    budget=budget,
                ).sample

            cloudwatch = self._open_cloudwatch()
            outlets = [*self._outlets(), *([cloudwatch.put] if cloudwatch else [])]
            monitors = [Monitor(sampler(), config.health_seconds, outlets)]
            if self._panel:
                monitors.append(Monitor(sampler(), PANEL_S, [self._panel]))
            uploader.start()
            closer.start()
            for monitor in monitors:
                monitor.start()
            try:
                self._capture(stop, duration_s, recorder, (closer, uploader))
            finally:
                self._manager.stopping()
                lost = recorder.stop()
                closer.stop(GRACE_S)
                uploader.stop(GRACE_S)
                for monitor in monitors:
                    monitor.stop(GRACE_S)
                if cloudwatch:
                    cloudwatch.stop(METRICS_GRACE_S)
                log.info(
                    "stopped: %d windows landed (%d frames), %d wait for the next start, %d frames lost",
                    *(uploader.landed.objects, uploader.landed.frames, len(spool.waiting())),
                    lost + budget.given_up.frames,
                )

    def _capture(
        self,
        stop: threading.Event,
        duration_s: float | None,
        recorder: Recorder,
        workers: tuple[Closer, Uploader],
    ) -> None:
        began = time.monotonic()
        for arrival in self._source.batches(stop):
            now = time.monotonic()
            self._traffic.count(arrival)
            recorder.add(arrival, now)
            self._manager.moved()
            if not all(worker.is_alive for worker in workers):
                raise TransientError(
                    "the upload thread has ended", remedy="Start the agent again; the spool is safe"
                )
            if duration_s is not None and now - began >= duration_s:
                stop.set()

    def _open_store(self) -> Store:
        return open_lake(self._config, UPLOAD_TIMEOUT_S)

    def _open_cloudwatch(self) -> CloudWatch | None:
        config = self._config
        if not config.cloudwatch_namespace:
            return None
        cloudwatch = CloudWatch(
            *(config.cloudwatch_namespace, config.region or "", lambda: find_credentials(config)),
            endpoint_url=config.cloudwatch_url,
        )
        cloudwatch.start()
        return cloudwatch

    def _outlets(self) -> list[Callable[[Health], None]]:
        """Who is told how the agent is."""
        outlets: list[Callable[[Health], None]] = [
            lambda health: log.info("%s", health.line()),
            lambda health: self._manager.status(health.line()),
        ]
        if file := self._config.metrics_file:
            outlets.append(lambda health: write_metrics(health, file))
        return outlets


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
