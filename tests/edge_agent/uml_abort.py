"""Scenes in the guest: ext4 finds an error, gives its journal up, and makes the card one that can only be read.

No remounting mends that: the card has to be unmounted and checked, which a boot does.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.edge_agent.can_sender import send_now, send_paced
from tests.edge_agent.uml_tools import ended, numbers_of, objects, process_log, rows_landed, until

ENV = {"AGENT_CLOCK_WAIT_SECONDS": "0", "AGENT_FREE_MEGABYTES": "1"}


@pytest.fixture
def failing_card():
    """A card, a function that has ext4 find an error on it, and one that checks and mounts it anew."""
    place = Path("/run/failing")
    place.mkdir(exist_ok=True)

    def mount():
        subprocess.run(["mount", "-o", "errors=remount-ro", "/dev/ubda", place], check=True)

    def fail():
        # where the kernel says that it remounts it, the mount stays one that can be written: all that says so is a write
        Path("/sys/fs/ext4/ubda/trigger_fs_error").write_text("as on a card with a fault")
        with pytest.raises(OSError, match="Read-only"):
            (place / "x").touch()

    def check():
        subprocess.run(["umount", place], check=True)
        assert subprocess.run(["e2fsck", "-fy", "/dev/ubda"], check=False).returncode <= 1
        mount()

    mount()
    yield place, fail, check
    check()
    subprocess.run(["umount", place], check=True)


def test_an_ext4_that_gives_up_stops_no_capture_and_is_gone_on_with_when_it_is_mended(
    failing_card, agent, tmp_path
):
    card, fail, check = failing_card
    places = ["--spool", card / "spool", "--window", "1"]
    process = agent(*places, env=ENV)
    send_paced(["vcan0"], 2000, 2000)
    until(lambda: rows_landed(tmp_path) == 2000, process=process)
    fail()
    send_paced(["vcan0"], 4000, 2000)
    until(lambda: "takes no frames (" in process_log(process), process=process)
    log = ended(process)
    assert "Read-only file system" in log
    assert "Traceback" not in log
    assert log.count("takes no frames") == 1
    lost = int(re.findall(r"(\d+) frames lost", log)[-1])

    process = agent(*places, env=ENV)  # as systemd starts it again: it goes on without the card
    send_now("vcan0", 0, 50)
    until(lambda: rows_landed(tmp_path) == 2050, process=process)
    assert "windows wait in memory" in ended(process)

    check()
    process = agent(*places, env=ENV)
    until(
        lambda: not [*(card / "spool").glob("*.journal"), *(card / "spool").glob("*.parquet")],
        process=process,
    )
    send_now("vcan0", 0, 50)
    before = rows_landed(tmp_path)
    until(lambda: rows_landed(tmp_path) == before + 50, process=process)
    assert "windows wait in memory" not in ended(process)
    numbers = numbers_of([row for _, table, _ in objects(tmp_path) for row in table.to_pylist()])
    assert numbers[:2000] == list(range(2000))
    kept = numbers[2000:-100]
    assert kept == list(range(len(kept)))
    forgotten = 4000 - len(kept) - lost
    assert forgotten >= 0
    # what such a disk takes and forgets is not counted, but said
    assert not forgotten or "is not on the disk" in log
