import subprocess
import sys
from urllib.parse import quote

import pytest

from edge_agent.spool import Spool
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.layout import RawObject

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND


def raw_at(seconds, vehicle="V"):
    return RawObject.starting(vehicle, START + seconds * SECOND)


def test_windows_wait_oldest_first_and_keep_their_partition(tmp_path):
    with Spool(tmp_path / "spool") as spool:
        raws = [raw_at(86400 * 3), raw_at(0), raw_at(60, "a-longer_vehicle"), raw_at(30)]
        for raw in raws:
            spool.add(raw, raw.key.encode())
    with Spool(tmp_path / "spool") as spool:  # another start
        assert spool.waiting() == [raws[1], raws[3], raws[2], raws[0]]
        assert [spool.read(raw) for raw in spool.waiting()] == [raw.key.encode() for raw in spool.waiting()]
        spool.remove(raws[1])
        assert raws[1] not in spool.waiting()


def test_a_name_that_is_taken_is_not_overwritten(tmp_path):
    with Spool(tmp_path) as spool:
        names = [spool.add(raw_at(0), body) for body in (b"first", b"second", b"third")]
        assert [spool.read(name) for name in names] == [b"first", b"second", b"third"]
        assert spool.waiting() == names
        assert all(name.partition == raw_at(0).partition for name in names)


def test_the_longest_vehicle_id_fits_into_a_file_name(tmp_path):
    with Spool(tmp_path) as spool:
        raw = spool.add(raw_at(0, "v" * 64), b"x")
        assert spool.waiting() == [raw]


def test_torn_writes_and_strangers_are_not_windows(tmp_path):
    (tmp_path / "raw%2Fvehicle_id%3DV.parquet.partial").write_bytes(b"half")
    (tmp_path / "raw-notes.parquet").write_bytes(b"?")
    with Spool(tmp_path) as spool:
        assert spool.waiting() == []
    assert not list(tmp_path.glob("*.partial"))
    assert (tmp_path / "raw-notes.parquet").exists()


def test_one_agent_at_a_time(tmp_path):
    with Spool(tmp_path), pytest.raises(BadSetting, match="another agent"):
        Spool(tmp_path)
    Spool(tmp_path).close()


def test_the_lock_goes_with_its_process(tmp_path):
    code = f"from pathlib import Path; from edge_agent.spool import Spool; Spool(Path({str(tmp_path)!r})); import os; os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    Spool(tmp_path).close()


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="spool"):
        Spool(tmp_path / "file" / "spool")


def test_a_disk_that_takes_nothing_leaves_nothing(tmp_path):
    raw = raw_at(0)
    with Spool(tmp_path) as spool:
        # a folder of the partial file's name makes the write fail, as a full disk would
        blocked = tmp_path / f"{quote(raw.key, safe='')}.partial"
        blocked.mkdir()
        with pytest.raises(OSError, match="directory"):
            spool.add(raw, b"x")
        assert spool.waiting() == []
        blocked.rmdir()
        assert spool.add(raw, b"x") == raw
