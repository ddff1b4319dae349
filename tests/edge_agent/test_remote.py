"""Settings from the lake: taken on without losing a frame, refused when they cannot work, kept through crashes."""

import itertools
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import can
import pytest

from edge_agent import agent as agent_module
from edge_agent import remote as remote_module
from edge_agent.agent import Agent
from edge_agent.capture import BusSource, Line
from edge_agent.config import AgentConfig
from edge_agent.database import BUNDLED
from edge_agent.settings_folder import SettingsFolder, version_of
from telemetry_pipeline.lake.layout import agent_key
from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.store import Store, digest
from tests.servers import wait_until

SETTINGS = agent_key("V", "agent.yaml")


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    monkeypatch.setattr(agent_module, "PANEL_S", 0.05)
    monkeypatch.setattr(remote_module, "TRIAL_S", 2.0)


def settings_of(lake, tmp_path, **changes):
    settings = {
        "vehicle_id": "V",
        "lake": lake.url,
        "interface": "virtual",
        "channel": f"{tmp_path.name}-a",
        "spool": tmp_path / "spool",
        "settings_seconds": 0.05,
        "clock_wait_seconds": 0,
    }
    return AgentConfig(**{**settings, **changes})


@pytest.fixture
def anywhere(tmp_path, any_lake, request):
    """Settings of a vehicle whose lake is a folder or a bucket."""
    endpoint = None if any_lake.root else request.getfixturevalue("s3_server").endpoint
    return settings_of(any_lake, tmp_path, endpoint_url=endpoint)


@pytest.fixture
def config(tmp_path, folder_lake):
    """Those of one whose lake is a folder."""
    return settings_of(folder_lake, tmp_path)


class Running:
    """An agent on a bus that python-can makes, in a thread."""

    def __init__(self, config):
        self.heard = []
        self.stop = threading.Event()
        self.agent = Agent(config, BusSource(config), panel=self.heard.append)
        self.thread = threading.Thread(target=self.agent.run, args=(self.stop,))
        self.thread.start()

    @property
    def health(self):
        return self.heard[-1] if self.heard else None

    def applied(self, text):
        wait_until(lambda: self.health and self.health.settings == version_of(text), "settings to apply")

    def refused(self, text):
        version = version_of(text)
        wait_until(lambda: self.health and self.health.settings_refused.startswith(version), "a refusal")
        return self.health.settings_refused


@contextmanager
def running(config):
    one = Running(config)
    try:
        yield one
    finally:
        one.stop.set()
        one.thread.join(120)
    assert not one.thread.is_alive()


@contextmanager
def numbered_frames(channel):
    """Sends frames with rising numbers; what it gives back says how many there were."""
    ending, sent = threading.Event(), itertools.count()

    def send():
        with can.Bus(interface="virtual", channel=channel) as bus:
            while not ending.wait(0.002):
                bus.send(
                    can.Message(
                        arbitration_id=0x123, data=next(sent).to_bytes(4, "little"), timestamp=time.time()
                    )
                )

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def numbers_in(store):
    found = []
    for info in store.list_objects("raw/vehicle_id=V"):
        rows = read_raw(store.get(info.key), info.key).to_pylist()
        found += [int.from_bytes(row["data"], "little") for row in rows if row["arb_id"] == 0x123]
    return sorted(found)


def test_they_are_taken_on_and_no_frame_is_lost(anywhere, any_lake, tmp_path):
    config = anywhere
    one = "window_seconds: 0.5\nmax_frames: 40\nfilters: '123'\nupload_kilobytes_per_second: 100000\n"
    both = f"channel: {config.channel},{tmp_path.name}-b\nmax_frames: 60\n"
    with running(config) as vehicle:
        wait_until(
            lambda: vehicle.health and vehicle.health.channels[0].state == "listening", "the bus to be open"
        )
        with numbered_frames(config.channel):
            wait_until(lambda: vehicle.health.channels[0].frames > 20, "frames")
            any_lake.put(SETTINGS, b"max_frames: 30\n")
            vehicle.applied("max_frames: 30\n")
            any_lake.put(SETTINGS, both.encode())
            vehicle.applied(both)
            assert [channel.channel for channel in vehicle.health.channels] == both.split()[1].split(",")
            frames = vehicle.health.channels[0].frames
            wait_until(lambda: vehicle.health.channels[0].frames > frames + 100, "more frames")
        # what reopens an adapter of python-can comes when its bus is silent
        any_lake.put(SETTINGS, one.encode())
        vehicle.applied(one)
        assert len(vehicle.health.channels) == 1
    found = numbers_in(any_lake)
    assert found == list(range(len(found)))
    assert len(found) > 120
    with running(config) as again:  # the next start begins with them
        again.applied(one)
    assert again.agent._config.max_frames == 40


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not YAML"),
        ("- a", "name: value"),
        ("window_second: 5", "Did you mean window_seconds"),
        ("window_seconds: 0", "out of range"),
        ("window_seconds: soon", "not a number"),
        ("vehicle_id: W", "vehicle_id cannot be set from the lake"),
        ("lake: s3://elsewhere", "lake cannot be set from the lake"),
        ("iot_key: /x", "iot_key cannot be set from the lake"),
        ("dbc: ../../etc/passwd", "is no SHA-256"),
        (f"dbc: {'a' * 64}", "no such database"),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_last_that_worked_applies(config, text, why, folder_lake):
    good = "max_frames: 77\n"
    folder_lake.put(SETTINGS, good.encode())
    with running(config) as vehicle:
        vehicle.applied(good)
        folder_lake.put(SETTINGS, text.encode())
        assert why in vehicle.refused(text)
        assert vehicle.health.settings == version_of(good)
        assert vehicle.agent._config.max_frames == 77
        better = "max_frames: 78\n"
        folder_lake.put(SETTINGS, better.encode())
        vehicle.applied(better)


def test_a_database_comes_by_its_digest_and_only_if_it_can_be_used(anywhere, any_lake):
    body, broken = BUNDLED.read_bytes(), b"BO_ 1 what is this"
    any_lake.put(agent_key("V", f"{digest(body)}.dbc"), body)
    any_lake.put(agent_key("V", f"{digest(broken)}.dbc"), broken)
    any_lake.put(agent_key("V", f"{'f' * 64}.dbc"), body)
    good = f"dbc: {digest(body)}\n"
    any_lake.put(SETTINGS, good.encode())
    config = anywhere
    with running(config) as vehicle:
        vehicle.applied(good)
        for sha256, why in ((digest(broken), "cannot be used"), ("f" * 64, "not those of its digest")):
            text = f"dbc: {sha256}\n"
            any_lake.put(SETTINGS, text.encode())
            assert why in vehicle.refused(text)
    applied, _ = SettingsFolder(config.spool / "settings").applied_to(config)
    assert applied.dbc.read_bytes() == body
    assert [path.stem for path in applied.dbc.parent.glob("*.dbc")] == [digest(body)]


def test_settings_that_capture_cannot_work_with_are_taken_back(config, folder_lake, monkeypatch, caplog):
    # only the adapter that is not there is made up
    whole = Line.open

    def open_unless_gone(line):
        if "gone" in line.channel:
            raise OSError(19, "No such device")
        return whole(line)

    monkeypatch.setattr(Line, "open", open_unless_gone)
    text = f"channel: {config.channel},gone\n"
    with running(config) as vehicle:
        wait_until(lambda: vehicle.health, "a first look")
        with numbered_frames(config.channel):
            folder_lake.put(SETTINGS, text.encode())
            assert "nothing could be heard of gone" in vehicle.refused(text)
            assert vehicle.health.settings == ""
            frames = vehicle.health.channels[0].frames
            wait_until(lambda: vehicle.health.channels[0].frames > frames + 20, "frames to come again")
            wait_until(lambda: len(vehicle.health.channels) == 1, "one channel")
    found = numbers_in(folder_lake)
    assert found == list(range(found[0], found[0] + len(found)))
    assert caplog.text.count("are refused") == 1
    # a channel that is away anyway is not the fault of new settings
    config = replace(config, channel="gone")
    folder_lake.put(SETTINGS, b"max_frames: 5\n")
    with running(config) as vehicle:
        vehicle.applied("max_frames: 5\n")


def test_an_agent_that_dies_of_settings_starts_without_them(config, folder_lake):
    good, deadly = "max_frames: 9\n", "max_frames: 10\n"
    folder = SettingsFolder(config.spool / "settings")
    folder.try_out(good)
    folder.accept()
    folder.try_out(deadly)  # and then the watchdog bites
    folder_lake.put(SETTINGS, deadly.encode())
    with running(config) as vehicle:
        vehicle.applied(good)
        assert "the agent ended while it tried them" in vehicle.refused(deadly)
        seen = len(vehicle.heard)
        wait_until(lambda: len(vehicle.heard) > seen + 10, "many looks at the lake")
        assert vehicle.health.settings == version_of(good)
    assert SettingsFolder(config.spool / "settings").begin(config)[1] == version_of(good)


def test_who_may_not_read_is_told_once_and_captures(tmp_path, s3_lake, s3_server, caplog, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the secret")
    config = settings_of(Store.open(s3_lake), tmp_path, endpoint_url=s3_server.endpoint)
    with running(config) as vehicle:
        wait_until(lambda: "no settings from the lake for now" in caplog.text, "the line")
        seen = len(vehicle.heard)
        wait_until(lambda: len(vehicle.heard) > seen + 20, "many looks at the lake")
    assert caplog.text.count("no settings from the lake for now") == 1


def test_a_disk_that_can_only_be_read_refuses_nothing(config, folder_lake, monkeypatch, caplog):
    def broken(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(SettingsFolder, "_write", broken)
    folder_lake.put(SETTINGS, b"max_frames: 5\n")
    with running(config) as vehicle:
        wait_until(lambda: "Read-only file system" in caplog.text, "the line")
        assert vehicle.health.settings == ""
        assert vehicle.health.settings_refused == ""
