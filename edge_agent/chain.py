"""What arrivals go through on their way to the lake: recorder, closer, uploader, and the budget of the disk between them.

Where arrivals come from, and who is told how it goes, is not known here.
"""

from collections.abc import Callable
from typing import Final

from edge_agent.budget import Budget
from edge_agent.clock import Clock, GivenClock, SystemClock
from edge_agent.closing import Closer
from edge_agent.config import AgentConfig
from edge_agent.journal_name import JournalName
from edge_agent.recorder import Recorder
from edge_agent.spool import Spool
from edge_agent.upload import Uploader
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.store import Store

VOLATILE_MEGABYTES: Final = 64

GRACE_S: Final = 5.0
"""How long the end waits for the last window, and again for the last upload: any service manager has that patience."""


class Chain:
    """One start of the agent, from the first arrival to the last upload.

    Args:
        config: The settings.
        spool: Where journals and windows wait.
        origin: Where the frames come from, see `FrameSource`.
        open_store: Opens the lake; called until it succeeds.
    """

    def __init__(
        self, config: AgentConfig, spool: Spool, origin: str, open_store: Callable[[], Store]
    ) -> None:
        self.spool = spool
        wall = SystemClock(config.clock_wait_seconds, spool.passed_ns)
        # a simulated drive has its own time
        self.clock: Clock = wall if origin == "capture" else GivenClock()
        name = JournalName.first(spool.folder, origin, config.vehicle_id)
        self.uploader = Uploader(
            *(open_store, spool),
            bytes_per_s=config.upload_kilobytes_per_second * 1000 or None,
            keep=config.keep_landed,
        )
        self.budget = Budget(*(spool, *_room(config, spool)), newest_first=config.give_up == "newest")
        self._closer = Closer(
            *(spool, self.clock, wall, name.boot, self.uploader.wake),
            make_room=lambda: self.budget.enforce(self.recorder.open_journal),
        )
        self.recorder = Recorder(
            *(spool.folder, name, self.clock, self._closer.take),
            window_s=config.window_seconds,
            max_frames=config.max_frames,
            sync_s=config.sync_seconds,
        )

    def start(self) -> None:
        """Begin, with what an earlier run left."""
        self.uploader.start()
        self._closer.start()

    def check(self) -> None:
        """See that everything runs.

        Raises:
            TransientError: A thread is gone.
        """
        threads = {
            "journal": self.recorder.syncer.is_alive,
            "closing": self._closer.is_alive,
            "upload": self.uploader.is_alive,
        }
        if gone := [name for name, is_alive in threads.items() if not is_alive]:
            raise TransientError(
                f"the thread for {' and '.join(gone)} has ended",
                remedy="Start the agent again; the spool is safe",
            )

    def take_on(self, config: AgentConfig) -> None:
        """Go on with other settings from the next frame on; by whoever hands over the arrivals."""
        self.recorder.finish()
        self.recorder.window_s, self.recorder.max_frames = config.window_seconds, config.max_frames
        self.recorder.syncer.sync_s = config.sync_seconds
        self.uploader.keep = config.keep_landed
        self.uploader.bytes_per_s = config.upload_kilobytes_per_second * 1000 or None
        self.budget.most_bytes, self.budget.free_bytes = _room(config, self.spool)
        self.budget.newest_first = config.give_up == "newest"

    def stop(self) -> int:
        """Save what there is and try to upload it; how many frames were lost since the start."""
        lost = self.recorder.stop()
        self._closer.stop(GRACE_S)
        self.uploader.stop(GRACE_S)
        return lost + self.budget.given_up.frames


def _room(config: AgentConfig, spool: Spool) -> tuple[int, int]:
    """What may lie in the spool, and what stays free on its disk, in bytes."""
    most = config.spool_megabytes if spool.folder == config.spool else VOLATILE_MEGABYTES
    return most * 1_000_000, config.free_megabytes * 1_000_000
