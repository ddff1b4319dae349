"""What time it is in a vehicle: frames are timed by the clock that never steps, and dated when the date is known.

A small computer has no clock that runs while it is off. It wakes in the past, records at once, and learns the time
minutes later; then every frame since the boot can be dated. What waits for that is not known here.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from edge_agent.journal import ClockState, Reading

log = logging.getLogger("edge_agent.clock")

STEP_NS: Final = 2_000_000
"""Two clocks that differ by more than so against before have been set; reading both takes microseconds."""

POSSIBLE_FROM_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01: no frame was recorded before this was written."""

POSSIBLE_YEARS_NS: Final = 20 * 366 * 86_400_000_000_000

_ASK_EVERY_NS: Final = 1_000_000_000
_CLOSE_NS: Final = 50_000
_FAR_NS: Final = 1 << 62
_STATUS_AT: Final = 40
_UNSYNCED: Final = 0x40
_TIMESYNCD: Final = Path("/run/systemd/timesync/synchronized")


class Clock(Protocol):
    """How frames get their times."""

    def settle(self, channel: str, stamps: npt.NDArray[np.int64]) -> None:
        """Turn the times of frames that have just come, as their source gave them, into nanoseconds since the boot."""
        ...

    def read(self) -> Reading:
        """The clocks now: what to add to a frame's time, and how sure that is."""
        ...

    def verdict(self, *, final: bool = False) -> Reading | None:
        """By what a finished window may be dated now; None while it should wait. `final`: nobody can wait longer."""
        ...


class GivenClock:
    """The clock of a source whose times are final: a simulated drive."""

    def settle(self, channel: str, stamps: npt.NDArray[np.int64]) -> None:
        """Leaves them as they are."""

    def read(self) -> Reading:
        """Nothing to add."""
        return Reading(0, 0, ClockState.KNOWN)

    def verdict(self, *, final: bool = False) -> Reading | None:  # noqa: ARG002
        """Nothing to wait for."""
        return self.read()


@dataclass
class _Channel:
    """What a channel's frames are stamped with: the wall clock less the time since boot, when last looked at."""

    offset: int
    seen: int


class SystemClock:
    """The clocks of this machine.

    The time is *known* once the kernel says that its clock is synchronized. It stays known when somebody sets the
    clock by hand: frames go on as if nobody had, until the kernel is synchronized again. A clock that nothing ever
    vouched for is used after `wait_s`, if it names a possible time; what it dated is marked.

    Args:
        wait_s: Seconds after the start for which windows wait for a time that is known.
        floor_ns: A time that has certainly passed, such as that of the newest window.
        sample: Reads (time since boot, wall clock less that), in nanoseconds.
        synced: Whether the kernel vouches for its wall clock.
    """

    def __init__(
        self,
        wait_s: float,
        floor_ns: int = 0,
        *,
        sample: Callable[[], tuple[int, int]] | None = None,
        synced: Callable[[], bool] | None = None,
    ) -> None:
        self._sample = sample or sample_clocks
        self._is_synced = synced or kernel_is_synced
        self._floor = max(floor_ns, POSSIBLE_FROM_NS)
        self._channels: dict[str, _Channel] = {}
        self._lock = threading.Lock()
        self._began, self._offset = self._sample()
        self._offset_now = self._offset
        self._wait_ns = round(wait_s * 1e9)
        self._known = False
        self._asked = self._began - _ASK_EVERY_NS
        self._look(self._began, self._offset)

    def settle(self, channel: str, stamps: npt.NDArray[np.int64]) -> None:
        """See `Clock`. Frames that were stamped before a step, and read after it, are told by their time."""
        now, offset = self._sample()
        with self._lock:
            self._look(now, offset)
            # one number until the clock is set: what is taken off here is added later
            offset = self._offset_now
        state = self._channels.get(channel)
        if state is None:  # nothing is older than the agent, except what it does not get
            state = self._channels[channel] = _Channel(offset, self._began - 1_000_000_000)
        if abs(offset - state.offset) <= STEP_NS:
            stamps -= state.offset
        else:
            before, after = stamps - state.offset, stamps - offset
            earliest, latest = state.seen - STEP_NS, now + STEP_NS
            is_before = (before >= earliest) & (before <= latest)
            is_after = (after >= earliest) & (after <= latest)
            stamps[:] = np.where(
                is_before & ~is_after, before, np.where(is_after, after, np.clip(before, state.seen, now))
            )
            state.offset = offset
        state.seen = now

    def read(self) -> Reading:
        """See `Clock`."""
        now, offset = self._sample()
        with self._lock:
            self._look(now, offset)
            return Reading(now, self._offset, self._state(now))

    def verdict(self, *, final: bool = False) -> Reading | None:
        """See `Clock`."""
        reading = self.read()
        if reading.state == ClockState.KNOWN:
            return reading
        waited = final or reading.since_boot - self._began >= self._wait_ns
        return reading if waited and reading.state == ClockState.UNSYNCED else None

    def _state(self, now: int) -> ClockState:
        if self._known:
            return ClockState.KNOWN
        possible = self._floor <= now + self._offset <= POSSIBLE_FROM_NS + POSSIBLE_YEARS_NS
        return ClockState.UNSYNCED if possible else ClockState.UNKNOWN

    def _look(self, now: int, offset: int) -> None:
        """Notice that the wall clock was set, and that it is right now."""
        if abs(offset - self._offset_now) > STEP_NS:
            log.warning("the wall clock was set by %+.3f s", (offset - self._offset_now) / 1e9)
            self._offset_now = offset
            self._asked = now - _ASK_EVERY_NS
            if not self._known:
                self._offset = offset
        if now - self._asked < _ASK_EVERY_NS:
            return
        self._asked = now
        if (not self._known or abs(self._offset_now - self._offset) > STEP_NS) and self._is_synced():
            log.info("the time is known: frames move by %+.3f s", (self._offset_now - self._offset) / 1e9)
            self._known, self._offset = True, self._offset_now


def sample_clocks() -> tuple[int, int]:
    """Nanoseconds since the boot, and the wall clock less that: the closest of a few looks at both."""
    closest, offset = _FAR_NS, 0
    for _ in range(10):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        wall = time.time_ns()
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if after - before < closest:
            closest, offset = after - before, wall - (before + after) // 2
        if closest < _CLOSE_NS:
            break
    return after, offset


def kernel_is_synced() -> bool:
    """Whether the kernel says that something keeps its clock right; if it may not be asked, what systemd says."""
    library = ctypes.CDLL(None, use_errno=True)
    state = ctypes.create_string_buffer(256)  # struct timex, of which only the status is looked at
    if library.adjtimex(state) < 0:
        return _TIMESYNCD.exists()
    return not int.from_bytes(state.raw[_STATUS_AT : _STATUS_AT + 4], "little") & _UNSYNCED
