import errno
import itertools
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent import agent
from edge_agent.agent import Agent
from edge_agent.config import AgentConfig
from edge_agent.records import table_of
from edge_agent.spool import Spool
from edge_agent.upload import Uploader
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake.parquet import read_raw

START = 1_795_334_400_000_000_000


class Source:
    """A bus that gives what it was made with, then ends."""

    origin = "simulation"

    def __init__(self, arrivals):
        self.arrivals = arrivals

    def batches(self, stop):
        for arrival in self.arrivals:
            if not stop.is_set():
                yield arrival


@pytest.fixture
def config(tmp_path):
    lake = (tmp_path / "lake").as_uri()
    return AgentConfig(vehicle_id="V", lake=lake, interface="virtual", channel="x", spool=tmp_path / "spool")


@pytest.fixture
def stop():
    return threading.Event()


def test_every_frame_is_counted_and_said(config, stop, arrive, caplog):
    arrivals = [arrive([START + 1000 * k + n for n in range(k)]) for k in range(40)]
    heard = []
    with caplog.at_level("INFO"):
        Agent(config, Source(arrivals), panel=heard.append).run(stop)
    assert "1 windows landed (780 frames), 0 wait for the next start, 0 frames lost" in caplog.text
    (channel,) = heard[-1].channels
    assert (channel.channel, channel.frames, channel.error_frames) == ("can0", 780, 0)
    assert (heard[-1].landed, heard[-1].landed_frames, heard[-1].windows_waiting) == (1, 780, 0)


def test_an_agent_whose_upload_has_died_says_so_and_keeps_what_it_has(config, stop, arrive, monkeypatch):
    monkeypatch.setattr(Uploader, "_run", lambda self: None)
    frames = arrive([START, START + 5])
    arrivals = itertools.chain([frames], itertools.repeat(arrive([])))
    with pytest.raises(TransientError, match="thread for upload has ended"):
        Agent(config, Source(arrivals)).run(stop)
    with Spool(config.spool) as spool:
        (window,) = spool.waiting()
        rows = read_raw(spool.read(window), window.key).to_pylist()
        assert rows == table_of([frames], "V").to_pylist()


@pytest.mark.parametrize("fault", [errno.EROFS, errno.ENOSPC])
def test_without_a_disk_windows_wait_in_memory(config, stop, arrive, monkeypatch, tmp_path, caplog, fault):
    monkeypatch.setattr(agent, "VOLATILE", tmp_path / "memory")
    whole = Path.mkdir

    def broken(path, *mode, **options):
        if path == config.spool:
            raise OSError(fault, os.strerror(fault))
        whole(path, *mode, **options)

    monkeypatch.setattr(Path, "mkdir", broken)
    with caplog.at_level("INFO"):
        Agent(config, Source([arrive([START])])).run(stop)
    assert "wait in memory" in caplog.text
    assert "1 windows landed" in caplog.text
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting):  # a person has to look at that one
        Agent(replace(config, spool=tmp_path / "file" / "spool"), Source([])).run(stop)
