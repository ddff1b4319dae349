"""How health is said: in a line, as Prometheus' text, by a monitor that outlives what fails."""

import re
import threading
from dataclasses import replace

import pytest

from edge_agent.health import ChannelHealth, Health
from edge_agent.monitor import Monitor
from edge_agent.prometheus import metrics_of, write_metrics
from tests.servers import wait_until

CAN0 = ChannelHealth("can0", "listening", 1000, 250.0, 0.31, 0, 0, 0, 0, 0)
CAN1 = ChannelHealth("can1", "bus-off", 7, 0.0, None, 9, 2, 33, 4, 1)
WELL = Health(
    vehicle_id="V",
    at_s=1_795_334_400.5,
    uptime_s=4.0,
    channels=(CAN0,),
    clock="known",
    windows_waiting=2,
    spool_bytes=1_500_000,
    disk_free_bytes=6_000_000_000,
    disk_bytes=8_000_000_000,
    cpu_celsius=51.2,
    landed=3,
    landed_frames=900,
    landed_bytes=4000,
    upload_failures=0,
    lost_frames=0,
)
ILL = replace(
    WELL,
    channels=(CAN0, CAN1),
    cpu_celsius=None,
    clock="unsynced",
    upload_failures=5,
    lost_frames=12,
    settings="3fa9c2",
    settings_refused='77aa: "window_seconds"\nis out of range',
)
SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r'\{(?P<labels>[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*)\} '
    r"(?P<value>[0-9.e+-]+)"
)


def test_a_line_says_what_is_wrong_and_is_silent_of_what_is_not():
    assert WELL.line() == (
        "250 frames/s, can0 listening load 31%, 2 windows wait (1.5 MB), 3 landed (900 frames, 4000 bytes), "
        "disk 25% (6.0 GB free), CPU 51 °C, clock known"
    )
    line = ILL.line()
    for word in (
        "can1 bus-off 0 frames/s 9 error frames 2 bus-offs 33 DROPPED 4 overflows 1 reconnects",
        "12 frames LOST",
    ):
        assert word in line
    assert "5 uploads failed" in line
    assert "°C" not in line
    assert "settings 3fa9c2" in line


@pytest.mark.parametrize("health", [WELL, ILL, replace(WELL, channels=())])
def test_every_line_for_prometheus_is_one(health):
    declared, seen = {}, set()
    for line in metrics_of(health).splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in declared, "a metric's samples must stand together"
            declared[name] = kind
            assert (kind == "counter") == name.endswith("_total")
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match["name"] == list(declared)[-1]
            assert (match["name"], match["labels"]) not in seen
            seen.add((match["name"], match["labels"]))
            float(match["value"])
    text = metrics_of(health)
    assert 'can_agent_windows_waiting{vehicle_id="V"} 2\n' in text
    assert ('can_agent_frames_dropped_total{vehicle_id="V",channel="can1"} 33\n' in text) is (health is ILL)
    assert "nan" not in text.lower()
    assert "None" not in text


def test_the_file_is_replaced_whole_and_read_by_others(tmp_path):
    path = tmp_path / "can_agent.prom"
    write_metrics(WELL, path)
    was = path.open()  # whoever reads it now goes on reading that
    write_metrics(ILL, path)
    assert was.read() == metrics_of(WELL)
    was.close()
    assert path.read_text() == metrics_of(ILL)
    assert [entry.name for entry in tmp_path.iterdir()] == ["can_agent.prom"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_outlet_that_fails_is_said_once_and_the_others_are_told(caplog):
    heard, asked = [], threading.Semaphore(0)

    def fail(health):
        asked.release()
        raise OSError(28, "No space left on device")

    monitor = Monitor(lambda: WELL, 0.001, [fail, heard.append])
    monitor.start()
    for _ in range(5):
        assert asked.acquire(timeout=60)
    monitor.stop(60)
    assert len(heard) >= 5
    assert monitor.failures >= 5
    assert caplog.text.count("No space left") == 1


def test_the_end_is_told_without_waiting_for_the_next_time():
    heard = []
    monitor = Monitor(lambda: WELL, 3600, [heard.append])
    monitor.start()
    monitor.stop(60)
    wait_until(lambda: heard == [WELL], "the last snapshot")
