import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.spool import Spool
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.layout import RawObject

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND


def raw_at(seconds, vehicle="V"):
    return RawObject.starting(vehicle, START + seconds * SECOND)


def test_windows_wait_oldest_first_and_keep_their_partition(tmp_path, add):
    with Spool(tmp_path / "spool") as spool:
        raws = [raw_at(86400 * 3), raw_at(0), raw_at(60, "a-longer_vehicle"), raw_at(30)]
        for raw in raws:
            add(spool, raw, raw.key.encode())
    with Spool(tmp_path / "spool") as spool:  # another start
        assert spool.waiting() == [raws[1], raws[3], raws[2], raws[0]]
        assert [spool.read(raw) for raw in spool.waiting()] == [raw.key.encode() for raw in spool.waiting()]
        spool.remove(raws[1])
        assert raws[1] not in spool.waiting()


def test_a_name_that_is_taken_is_not_overwritten(tmp_path, add):
    with Spool(tmp_path) as spool:
        names = [add(spool, raw_at(0), body) for body in (b"first", b"second", b"third")]
        assert [spool.read(name) for name in names] == [b"first", b"second", b"third"]
        assert spool.waiting() == names
        assert all(name.partition == raw_at(0).partition for name in names)


def test_the_longest_vehicle_id_fits_into_a_file_name(tmp_path, add):
    with Spool(tmp_path) as spool:
        raw = add(spool, raw_at(0, "v" * 64), b"x")
        assert spool.waiting() == [raw]


def test_torn_writes_and_strangers_are_not_windows(tmp_path):
    (tmp_path / f"{7:016x}~raw%2Fvehicle_id%3DV.parquet.staged").write_bytes(b"half")
    (tmp_path / "raw-notes.parquet").write_bytes(b"?")
    with Spool(tmp_path) as spool:
        assert spool.waiting() == []
    assert not list(tmp_path.glob("*.staged"))
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


def two_windows():
    return [(raw_at(0), b"first"), (raw_at(86_400), b"second")]


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "x.journal"
    path.write_bytes(b"frames")
    return path


def test_a_disk_that_takes_nothing_leaves_the_journal(tmp_path, journal):
    with Spool(tmp_path) as spool:
        # a folder of the second window's name makes its writing fail, as a full disk would
        blocked = spool._staged(raw_at(86_400), 7)
        blocked.mkdir()
        with pytest.raises(OSError, match="directory"):
            spool.add(two_windows(), journal, 7)
        assert spool.waiting() == []
        assert journal.exists()
        blocked.rmdir()
        assert spool.add(two_windows(), journal, 7) == [raw for raw, _ in two_windows()]
        assert not journal.exists()


def test_a_journal_of_nothing_becomes_nothing(tmp_path, journal):
    with Spool(tmp_path) as spool:
        assert spool.add([], journal, 7) == []
        assert not list(tmp_path.glob("*[!k]"))  # nothing but the lock


class Cut(BaseException):
    """The power goes."""


def test_a_power_cut_at_any_moment_leaves_the_journal_or_its_windows(tmp_path, monkeypatch):
    names = ["fsync", "rename", "unlink", "replace"]
    steps = 0

    def stepping(real, budget):
        def step(*arguments, **options):
            nonlocal steps
            steps += 1
            if steps > budget:
                raise Cut
            return real(*arguments, **options)

        return step

    for budget in range(30):
        folder = tmp_path / str(budget)
        folder.mkdir()
        journal = folder / "x.journal"
        journal.write_bytes(b"frames")
        steps, ended = 0, True
        spool = Spool(folder)
        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(os, name, stepping(getattr(os, name), budget))
            try:
                spool.add(two_windows(), journal, 7)
            except Cut:
                ended = False
        spool.close()
        with Spool(folder) as spool:
            found = [(raw, spool.read(raw)) for raw in spool.waiting()]
            assert found == ([] if journal.exists() else two_windows())
            if journal.exists():
                spool.add(two_windows(), journal, 7)
            assert [(raw, spool.read(raw)) for raw in spool.waiting()] == two_windows()
        assert sorted(path.suffix for path in folder.iterdir()) == ["", ".parquet", ".parquet"]
        if ended:
            break
    assert 5 < budget < 29


def test_a_time_that_has_passed_is_remembered(tmp_path):
    with Spool(tmp_path) as spool:
        assert spool.passed_ns == 0
        spool.note_time(START)
    with Spool(tmp_path) as spool:
        assert spool.passed_ns == START


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO])
def test_a_file_system_that_has_given_up_is_refused_at_the_start(tmp_path, monkeypatch, number):
    Spool(tmp_path).close()

    def fail(path):
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patch:  # `uml_abort` has a real one
        patch.setattr(Path, "touch", fail)
        with pytest.raises(BadSetting, match="its disk takes no files"):
            Spool(tmp_path)
    Spool(tmp_path).close()  # nobody holds it


def test_a_full_disk_is_used_since_room_can_be_made(tmp_path, monkeypatch):
    def fail(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "touch", fail)
    Spool(tmp_path).close()
