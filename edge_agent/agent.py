"""The agent: frames into windows, windows into the spool, the spool into the lake. Ends when it is told to."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from edge_agent.batch import Batcher
from edge_agent.config import AgentConfig
from edge_agent.source import FrameSource
from edge_agent.spool import Spool
from edge_agent.upload import Uploader
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.store import Store

log = logging.getLogger("edge_agent")

STATS_S: Final = 60.0
GRACE_S: Final = 5.0
"""How long the end waits for the last upload: short enough for any service manager's patience."""

DISK_WAIT_S: Final = 5.0
UNSAVED_MOST: Final = 30
"""Finished windows kept in memory while the disk takes none: half an hour of the usual length."""


class Agent:
    """Captures until it is stopped.

    Args:
        config: The settings.
        source: Where the frames come from.
        origin: What that is, for the raw objects' footer: `capture` or `simulation`.
    """

    def __init__(self, config: AgentConfig, source: FrameSource, origin: str) -> None:
        self._config = config
        self._source = source
        self._footer = {"origin": origin}
        self._batcher = Batcher(config.vehicle_id, config.window_seconds, config.max_frames)
        self._unsaved: deque[tuple[RawObject, bytes]] = deque()
        self._disk_due = 0.0
        self._frames = 0

    def run(self, stop: threading.Event, duration_s: float | None = None) -> None:
        """Capture until `stop` is set or the duration is over, then save and try to upload what there is.

        What could not be uploaded waits in the spool for the next start.

        Raises:
            BadSetting: The spool or the interface cannot be used.
            TransientError: The upload thread is gone.
        """
        began = told = time.monotonic()
        with Spool(self._config.spool) as spool:
            uploader = Uploader(self._open_store, spool)
            if left := spool.waiting():
                log.info("%d windows of an earlier run wait in %s", len(left), spool.folder)
            uploader.start()
            for frames in self._source.batches(stop):
                now = time.monotonic()
                self._frames += frames.num_rows
                self._save(self._batcher.add(frames, now), spool, uploader)
                if now - told >= STATS_S:
                    self._tell(now - told, spool, uploader)
                    told = now
                if not uploader.is_alive:
                    self._save(self._batcher.flush(), spool, uploader)
                    raise TransientError(
                        "the upload thread has ended", remedy="Start the agent again; the spool is safe"
                    )
                if duration_s is not None and now - began >= duration_s:
                    stop.set()
            self._disk_due = 0.0
            self._save(self._batcher.flush(), spool, uploader)
            uploader.stop(GRACE_S)
            waiting = len(spool.waiting())
            log.info(
                "stopped: %d windows landed (%d frames), %d wait for the next start",
                uploader.landed.objects,
                uploader.landed.frames,
                waiting,
            )

    def _open_store(self) -> Store:
        return Store.open(self._config.lake, endpoint_url=self._config.endpoint_url)

    def _save(self, windows: Iterator[tuple[RawObject, pa.Table]], spool: Spool, uploader: Uploader) -> None:
        """Put finished windows into the spool, and those that the disk did not take before."""
        for raw, table in windows:
            self._unsaved.append((raw, write_raw(table, self._footer)))
            if len(self._unsaved) > UNSAVED_MOST:
                lost, _ = self._unsaved.popleft()
                log.error("lost %s: the disk takes nothing and memory holds no more", lost.key)
        if self._unsaved and time.monotonic() >= self._disk_due:
            self._empty_into(spool, uploader)

    def _empty_into(self, spool: Spool, uploader: Uploader) -> None:
        while self._unsaved:
            try:
                spool.add(*self._unsaved[0])
            except OSError as error:
                log.warning(
                    "%s takes no window (%s); %d kept in memory", spool.folder, error, len(self._unsaved)
                )
                self._disk_due = time.monotonic() + DISK_WAIT_S
                return
            self._unsaved.popleft()
            uploader.wake()

    def _tell(self, seconds: float, spool: Spool, uploader: Uploader) -> None:
        log.info(
            "%.0f frames/s, %d frames in the open window, %d windows wait, %d landed (%d frames, %d bytes)",
            self._frames / seconds,
            self._batcher.frames_held,
            len(spool.waiting()),
            uploader.landed.objects,
            uploader.landed.frames,
            uploader.landed.bytes,
        )
        self._frames = 0
