"""The agent: arrivals into journals, journals into the spool, the spool into the lake. Ends when it is told to."""

import logging
import threading
import time
from errno import EDQUOT, EIO, ENOSPC, EROFS
from pathlib import Path
from typing import Final

from edge_agent.budget import Budget
from edge_agent.clock import GivenClock, SystemClock
from edge_agent.closing import Closer
from edge_agent.config import AgentConfig
from edge_agent.journal_name import JournalName
from edge_agent.recorder import Recorder
from edge_agent.source import FrameSource
from edge_agent.spool import Spool
from edge_agent.upload import Uploader
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake.store import Store

log = logging.getLogger("edge_agent")

STATS_S: Final = 60.0
VOLATILE: Final = Path("/dev/shm")  # noqa: S108  it is memory that is wanted
VOLATILE_MEGABYTES: Final = 64
_DISK_FAULTS: Final = frozenset({EROFS, ENOSPC, EDQUOT, EIO})

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
