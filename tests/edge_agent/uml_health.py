"""Scenes in the guest: what a CAN device says of itself, and settings that change while frames come."""

import fcntl
import os
import platform
import struct
import subprocess
import sys
import threading
import tty
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from edge_agent.capture import BusSource
from edge_agent.check import run_checks
from edge_agent.link import Link, read_link
from edge_agent.sampler import ChannelSampler
from edge_agent.traffic import Traffic
from tests.edge_agent.uml_tools import classic, ip, rows_landed, until

SLCAN = Path(f"/usr/lib/uml/modules/{platform.release()}/kernel/drivers/net/can/slcan/slcan.ko")
TIOCSETD, N_SLCAN, SIOCGIFNAME = 0x5423, 17, 0x8910


@contextmanager
def adapter():
    """A CAN device whose adapter is this process: its name, and what says something as the adapter."""
    subprocess.run(["insmod", SLCAN], check=True)
    near, far = os.openpty()
    try:
        tty.setraw(near)
        tty.setraw(far)
        fcntl.ioctl(far, TIOCSETD, struct.pack("i", N_SLCAN))
        threading.Thread(target=_drain, args=(near,), daemon=True).start()
        name = fcntl.ioctl(far, SIOCGIFNAME, bytes(32)).split(b"\0")[0].decode()
        yield name, lambda line: os.write(near, f"{line}\r".encode())
    finally:
        os.close(far)
        os.close(near)


def _drain(near):
    """An adapter hears what it is told to do."""
    with suppress(OSError):
        while os.read(near, 100):
            pass


def test_a_device_says_its_bitrate_and_that_it_is_off_the_bus(config):
    with adapter() as (name, say):
        assert read_link(name).is_up is False
        ip("link", "set", name, "up", "type", "can", "bitrate", "500000")
        assert read_link(name) == Link("can", True, "error-active", 500_000, None, False)
        settings = config(channel=name, lake=config().spool.as_uri())
        (finding,) = [one for one in run_checks(settings, simulate=False) if one.name == name]
        assert not finding.ok
        assert "acknowledges frames" in finding.detail
        source, traffic, stop = BusSource(settings), Traffic(), threading.Event()
        channels, batches = ChannelSampler(source, traffic, settings), source.batches(stop)

        def hears(what):
            for batch in batches:
                traffic.count(batch)
                (channel,) = channels.sample()
                if what(channel):
                    return True
            return False

        patience = threading.Timer(60, stop.set)
        patience.start()
        try:
            assert hears(lambda channel: channel.state == "listening")
            say("t1238" + "00" * 8)
            assert hears(lambda channel: channel.frames == 1 and channel.load > 0)
            say("sb000000")
            assert hears(lambda channel: channel.state == "bus-off" and channel.bus_offs == 1)
        finally:
            patience.cancel()
            batches.close()
        assert read_link(name).state == "bus-off"
        (finding,) = [one for one in run_checks(settings, simulate=False) if one.name == name]
        assert not finding.ok


def test_other_channels_and_filters_are_taken_on_without_losing_a_frame(config, bus):
    one = config(channel="vcan0", filters="123")
    settings = [
        one,
        replace(one, filters="123,124,1F0:7F0"),
        replace(one, filters="", channel="vcan0,vcan1"),
        one,
    ]
    source, stop, seen, sent = BusSource(one), threading.Event(), [], 0

    def listen():
        for batch in source.batches(stop):
            records = batch.records
            payloads = records["data"][records["id"] == 0x123][:, :8]
            seen.extend(int.from_bytes(payload.tobytes(), "little") for payload in payloads)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        until(lambda: source.lines[0].reader)
        reader = source.lines[0].reader
        for wanted in settings * 5:
            source.adopt(wanted)
            while not source.has_adopted:
                for _ in range(50):
                    bus.send(classic(0x123, sent.to_bytes(8, "little")))
                    sent += 1
        until(lambda: len(seen) >= sent)
    finally:
        stop.set()
        thread.join()
    assert source.lines[0].channel == "vcan0"
    assert seen == list(range(sent))
    assert reader is not None
    assert sent > 1000


def test_a_machine_without_proc_and_sys_says_what_it_knows(tmp_path):
    bare = 'mount -t tmpfs none /proc && mount -t tmpfs none /sys && exec "$@"'
    metrics = tmp_path / "agent.prom"
    places = ["--spool", tmp_path / "spool", "--lake", (tmp_path / "lake").as_uri(), "--vehicle", "V"]
    command = [
        sys.executable,
        "-m",
        "tests.edge_agent.bare_agent",
        "--simulate",
        "--duration",
        "3",
        "--window",
        "1",
        *places,
    ]
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", bare, "sh", *command],
        env=os.environ | {"AGENT_METRICS_FILE": str(metrics), "AGENT_HEALTH_SECONDS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "°C" not in ended.stderr
    assert "cpu_celsius" not in metrics.read_text()
    assert "can_agent_frames_total" in metrics.read_text()
    assert rows_landed(tmp_path) > 0
