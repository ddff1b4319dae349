"""The agent: arrivals into journals, journals into the spool, the spool into the lake. Ends when it is told to."""

import logging
import threading
import time
from typing import Final

from edge_agent.clock import GivenClock, SystemClock
from edge_agent.closing import Closer
from edge_agent.config import AgentConfig
from edge_agent.journal_name import JournalName
from edge_agent.recorder import Recorder
from edge_agent.source import FrameSource
from edge_agent.spool import Spool
from edge_agent.upload import Uploader
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.store import Store

log = logging.getLogger("edge_agent")

STATS_S: Final = 60.0
GRACE_S: Final = 5.0
"""How long the end waits for the last window, and again for the last upload: any service manager has that patience."""


class Agent:
    """Captures until it is stopped.

    Args:
        config: The settings.
        source: Where the frames come from.
    """

    def __init__(self, config: AgentConfig, source: FrameSource) -> None:
        self._config = config
        self._source = source
        self._frames = 0

    def run(self, stop: threading.Event, duration_s: float | None = None) -> None:
        """Capture until `stop` is set or the duration is over, then save and try to upload what there is.

        What could not be uploaded waits in the spool for the next start.

        Raises:
            BadSetting: The spool or the interface cannot be used.
            TransientError: A thread is gone.
        """
        config = self._config
        with Spool(config.spool) as spool:
            wall = SystemClock(config.clock_wait_seconds, spool.passed_ns)
            # a simulated drive has its own time
            clock = wall if self._source.origin == "capture" else GivenClock()
            name = JournalName.first(spool.folder, self._source.origin, config.vehicle_id)
            uploader = Uploader(self._open_store, spool)
            if left := spool.waiting():
                log.info("%d windows of an earlier run wait in %s", len(left), spool.folder)
            closer = Closer(spool, clock, wall, name.boot, uploader.wake)
            recorder = Recorder(
                *(spool.folder, name, clock, closer.take),
                window_s=config.window_seconds,
                max_frames=config.max_frames,
                sync_s=config.sync_seconds,
            )
            uploader.start()
            closer.start()
            try:
                self._capture(stop, duration_s, recorder, (closer, uploader))
            finally:
                lost = recorder.stop()
                closer.stop(GRACE_S)
                uploader.stop(GRACE_S)
                log.info(
                    "stopped: %d windows landed (%d frames), %d wait for the next start, %d frames lost",
                    *(uploader.landed.objects, uploader.landed.frames, len(spool.waiting()), lost),
                )

    def _capture(
        self,
        stop: threading.Event,
        duration_s: float | None,
        recorder: Recorder,
        workers: tuple[Closer, Uploader],
    ) -> None:
        began = told = time.monotonic()
        for arrival in self._source.batches(stop):
            now = time.monotonic()
            self._frames += len(arrival.records)
            recorder.add(arrival, now)
            if now - told >= STATS_S:
                self._tell(now - told, recorder, workers[1])
                told = now
            if not all(worker.is_alive for worker in workers):
                raise TransientError(
                    "the upload thread has ended", remedy="Start the agent again; the spool is safe"
                )
            if duration_s is not None and now - began >= duration_s:
                stop.set()

    def _open_store(self) -> Store:
        return Store.open(self._config.lake, endpoint_url=self._config.endpoint_url)

    def _tell(self, seconds: float, recorder: Recorder, uploader: Uploader) -> None:
        log.info(
            "%.0f frames/s, %d frames in the open window, %d windows wait, %d landed (%d frames, %d bytes)",
            self._frames / seconds,
            recorder.frames,
            len(uploader.spool.waiting()),
            uploader.landed.objects,
            uploader.landed.frames,
            uploader.landed.bytes,
        )
        self._frames = 0
