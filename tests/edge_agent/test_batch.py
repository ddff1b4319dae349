import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.batch import Batcher
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.windows import stamps_of

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND
MIDNIGHT = (START // DAY_NS + 1) * DAY_NS


@pytest.fixture
def batcher():
    return Batcher("V", window_s=60, max_frames=1000)


def closed(windows):
    return [stamps_of(table).tolist() for _, table in windows]


def test_a_window_closes_after_its_length(batcher, make_frames):
    assert closed(batcher.add(make_frames([START]), now=0)) == []
    assert closed(batcher.add(make_frames([START + 1]), now=59.9)) == []
    assert closed(batcher.add(make_frames([START + 2]), now=60)) == [[START, START + 1]]
    assert closed(batcher.flush()) == [[START + 2]]
    assert closed(batcher.flush()) == []


def test_a_silent_bus_closes_it_too(batcher, make_frames):
    assert closed(batcher.add(make_frames([START]), now=5)) == []
    assert closed(batcher.add(make_frames([]), now=64.9)) == []
    assert closed(batcher.add(make_frames([]), now=65)) == [[START]]
    assert closed(batcher.add(make_frames([]), now=500)) == []


def test_a_wall_clock_set_back_does_not_hold_it_open(batcher, make_frames):
    list(batcher.add(make_frames([START]), now=0))
    list(batcher.add(make_frames([START - 3600 * SECOND]), now=1))
    (window,) = closed(batcher.add(make_frames([]), now=61))
    assert window == [START - 3600 * SECOND, START]  # in order of time


def test_it_closes_at_midnight(batcher, make_frames):
    windows = list(batcher.add(make_frames([MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 1]), now=0))
    windows += batcher.flush()
    assert closed(windows) == [[MIDNIGHT - 1], [MIDNIGHT, MIDNIGHT + 1]]
    assert [raw.partition.date.day for raw, _ in windows] == [22, 23]


def test_it_closes_when_it_is_full(make_frames):
    batcher = Batcher("V", window_s=60, max_frames=3)
    windows = list(batcher.add(make_frames([START + n for n in range(7)]), now=0))
    assert [len(window) for window in closed(windows)] == [3, 3]
    assert batcher.frames_held == 1
    windows += batcher.flush()
    assert len({raw.key for raw, _ in windows}) == 3  # all began within one millisecond


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    arrivals=st.lists(
        st.tuples(st.floats(0, 30), st.lists(st.integers(-100 * SECOND, 100 * SECOND), max_size=8)),
        max_size=20,
    ),
    max_frames=st.integers(1, 12),
)
def test_no_frame_is_lost_or_doubled(make_frames, arrivals, max_frames):
    batcher = Batcher("V", window_s=60, max_frames=max_frames)
    now, sent, windows = 0.0, [], []
    for pause, offsets in arrivals:
        now += pause
        stamps = [MIDNIGHT + offset for offset in offsets]
        sent += stamps
        windows += batcher.add(make_frames(stamps), now)
    windows += batcher.flush()
    assert sorted(stamp for window in closed(windows) for stamp in window) == sorted(sent)
    assert len({raw.key for raw, _ in windows}) == len(windows)
    for raw, table in windows:
        stamps = stamps_of(table).tolist()
        assert len(stamps) <= max_frames
        assert stamps == sorted(stamps)
        assert raw.partition.start_ns <= stamps[0] <= stamps[-1] < raw.partition.end_ns
