import numpy as np
import pytest

from edge_agent import clock as clock_module
from edge_agent.clock import SystemClock, kernel_is_synced, sample_clocks
from edge_agent.journal import ClockState

SECOND = 1_000_000_000
NOW = 1_795_334_400 * SECOND
PAST = 5 * 365 * 86_400 * SECOND
"""Where a computer without a clock wakes up: January 1975, or 2018."""


class Machine:
    """Clocks that a test sets: time since the boot runs on, the wall clock is put where it is wanted."""

    def __init__(self, wall):
        self.since_boot = 60 * SECOND
        self.offset = wall - self.since_boot
        self.is_synced = False

    def sample(self):
        return self.since_boot, self.offset

    def synced(self):
        return self.is_synced

    @property
    def wall(self):
        return self.since_boot + self.offset

    def clock(self, wait_s=120, floor_ns=0):
        return SystemClock(wait_s, floor_ns, sample=self.sample, synced=self.synced)


def settle(clock, *stamps, channel="can0"):
    times = np.array(stamps, np.int64)
    clock.settle(channel, times)
    return times.tolist()


def test_a_right_clock_changes_no_stamp():
    machine = Machine(NOW)
    machine.is_synced = True
    clock = machine.clock()
    machine.since_boot += SECOND
    (time,) = settle(clock, NOW + 123_456_789)
    reading = clock.verdict()
    assert reading.state == ClockState.KNOWN
    assert time + reading.offset == NOW + 123_456_789


def test_looks_at_the_clocks_that_are_never_quite_the_same_move_no_stamp():
    machine = Machine(NOW)
    machine.is_synced = True
    clock = machine.clock()
    for nth, error in enumerate((70_000, -40_000, 900, 250_000)):
        machine.offset = NOW - 60 * SECOND + error
        stamps = [NOW + nth * SECOND + 1, NOW + nth * SECOND + 987_654_321]
        machine.since_boot += SECOND
        times = settle(clock, *stamps, channel=f"can{nth % 2}")
        assert [time + clock.read().offset for time in times] == stamps


@pytest.mark.parametrize(
    "wall", [PAST, NOW - 3600 * SECOND, NOW + 30 * PAST], ids=["1975", "an hour ago", "far off"]
)
def test_what_was_recorded_before_the_time_was_known_is_dated_by_it(wall):
    machine = Machine(wall)
    clock = machine.clock()
    times = []
    for _ in range(3):  # frames by the wrong clock
        machine.since_boot += SECOND
        times += settle(clock, machine.wall - 5_000_000)
    assert clock.verdict() is None
    machine.offset += NOW - wall  # the network says what time it is
    machine.is_synced = True
    machine.since_boot += SECOND
    times += settle(clock, machine.wall - 5_000_000)
    reading = clock.verdict()
    assert reading.state == ClockState.KNOWN
    assert [time + reading.offset for time in times] == [
        NOW + nth * SECOND - 5_000_000 for nth in range(1, 5)
    ]


@pytest.mark.parametrize("step", [895 * 86_400 * SECOND, 800_000_000, -30 * SECOND, -PAST])
def test_frames_around_a_step_keep_their_order_and_their_distance(step):
    machine = Machine(NOW)
    clock = machine.clock()
    truth, times = [], []
    for drain in range(6):
        stamps = []
        for nth in range(10):
            machine.since_boot += 5_000_000
            if drain == 3 and nth == 6:  # some of the frames in the kernel's queue were stamped before
                machine.offset += step
            truth.append(machine.since_boot)
            stamps.append(machine.wall)
        times += settle(clock, *stamps)
    assert np.abs(np.array(times) - truth).max() <= 2_000_000
    assert times == sorted(times)


def test_each_channel_notices_a_step_by_itself():
    machine = Machine(NOW)
    clock = machine.clock()
    settle(clock, machine.wall, channel="can0")
    settle(clock, machine.wall, channel="can1")
    machine.since_boot += SECOND
    before = machine.wall, machine.since_boot
    machine.since_boot += SECOND
    machine.offset -= 3600 * SECOND
    assert settle(clock, machine.wall, channel="can0") == [machine.since_boot]
    assert settle(clock, before[0], machine.wall, channel="can1") == [before[1], machine.since_boot]


def test_a_clock_set_by_hand_moves_nothing_once_the_time_is_known():
    machine = Machine(NOW)
    machine.is_synced = True
    clock = machine.clock()
    known = clock.verdict().offset
    machine.offset += PAST
    machine.is_synced = False  # as the kernel has it when somebody sets the clock
    machine.since_boot += 2 * SECOND
    assert settle(clock, machine.wall) == [machine.since_boot]
    assert (clock.verdict().offset, clock.verdict().state) == (known, ClockState.KNOWN)
    machine.offset = known + 700_000_000  # synchronized again, a little off what it was
    machine.is_synced = True
    machine.since_boot += 2 * SECOND
    assert clock.verdict().offset == known + 700_000_000


def test_a_possible_time_is_used_after_a_while_and_an_impossible_one_never():
    machine = Machine(NOW)
    clock = machine.clock(wait_s=10)
    assert clock.verdict() is None
    assert clock.verdict(final=True).state == ClockState.UNSYNCED
    machine.since_boot += 10 * SECOND
    assert clock.verdict().state == ClockState.UNSYNCED
    machine = Machine(PAST)
    clock = machine.clock(wait_s=0)
    machine.since_boot += 86_400 * SECOND
    assert clock.verdict(final=True) is None
    # no earlier than what has been recorded already
    assert Machine(NOW).clock(0, NOW + SECOND).verdict() is None
    assert Machine(NOW).clock(0, NOW).verdict().state == ClockState.UNSYNCED


def test_this_machines_clocks():
    before, offset = sample_clocks()
    after, again = sample_clocks()
    assert after >= before > 0
    assert abs(offset - again) < clock_module.STEP_NS
    assert isinstance(kernel_is_synced(), bool)
