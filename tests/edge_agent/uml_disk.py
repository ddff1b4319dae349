"""Scenes in the guest: an agent whose disk is full, or can only be read."""

import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.edge_agent.can_sender import send_now, send_paced
from tests.edge_agent.uml_tools import ended, numbers_of, objects, process_log, rows_landed, until


def test_a_full_disk_gives_up_the_oldest_and_counts_it(agent, tmp_path, small_disk):
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("a file where the lake's folder should be")
    env = {"AGENT_CLOCK_WAIT_SECONDS": "0", "AGENT_FREE_MEGABYTES": "1"}
    places = ["--spool", small_disk / "spool", "--lake", (nowhere / "lake").as_uri(), "--window", "1"]
    process = agent(*places, env=env)
    count, sent = 1000, 0
    deadline = time.monotonic() + 240
    while not (said := process_log(process)).count("gave up") > 1:
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        send_paced(["vcan0"], count, 8000)
        sent += count
    log = ended(process)
    given_up, lost = (
        int(re.findall(pattern, log)[-1]) for pattern in (r"windows? with (\d+) frames", r"(\d+) frames lost")
    )
    assert lost >= given_up > 0
    again = agent("--spool", small_disk / "spool", "--window", "1", env=env)
    until(lambda: not list((small_disk / "spool").glob("*.parquet")), process=again)
    ended(again)
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert len(rows) + lost == sent
    assert numbers_of(rows[-count:]) == list(range(count))  # the newest are there


def test_a_disk_that_can_only_be_read_stops_nothing(agent, tmp_path, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    process = agent("--spool", small_disk / "spool", "--window", "0.5", env={"AGENT_CLOCK_WAIT_SECONDS": "0"})
    send_now("vcan0", 0, 5)
    until(lambda: rows_landed(tmp_path) == 5, process=process)
    ended(process)


def make_read_only(place):
    """As the kernel does it to a card with a fault: whoever has files open is not asked."""
    Path("/proc/sysrq-trigger").write_text("u")
    until(lambda: re.search(rf"{place} ext4 ro[, ]", Path("/proc/mounts").read_text()))


def test_a_disk_that_turns_read_only_is_waited_for(agent, tmp_path, card):
    env = {"AGENT_CLOCK_WAIT_SECONDS": "0", "AGENT_FREE_MEGABYTES": "1"}
    process = agent("--spool", card / "spool", "--window", "1", env=env)
    send_paced(["vcan0"], 2000, 1000)
    make_read_only(card)
    send_paced(["vcan0"], 5000, 1000)
    until(lambda: "takes no frames (" in process_log(process), process=process)
    send_paced(["vcan0"], 3000, 1000)
    assert process.poll() is None
    subprocess.run(["mount", "-o", "remount,rw", card], check=True)
    until(lambda: "takes frames again" in process_log(process), process=process)
    send_paced(["vcan0"], 1000, 1000)
    until(lambda: rows_landed(tmp_path) == 11_000, process=process)
    until(lambda: not list((card / "spool").glob("*.parquet")), process=process)  # what had landed goes, too
    log = ended(process)
    assert "Read-only file system" in log
    assert log.count("takes no frames") == 1
    assert log.count("is not on the disk") <= 1
    assert "0 frames lost" in log
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert numbers_of(rows) == [*range(2000), *range(5000), *range(3000), *range(1000)]


def test_what_a_read_only_disk_and_memory_do_not_take_is_counted(agent, tmp_path, card):
    env = {"AGENT_CLOCK_WAIT_SECONDS": "0", "AGENT_FREE_MEGABYTES": "1", "AGENT_HEALTH_SECONDS": "1"}
    process = agent("--spool", card / "spool", "--window", "1", env=env, held_bytes=200_000)
    sent = 0

    def send_more():
        nonlocal sent
        send_paced(["vcan0"], 1000, 4000)
        sent += 1000

    send_more()
    make_read_only(card)
    deadline = time.monotonic() + 240
    while "frames LOST" not in process_log(process):
        assert process.poll() is None, process_log(process)
        assert time.monotonic() < deadline, process_log(process)
        send_more()
    subprocess.run(["mount", "-o", "remount,rw", card], check=True)
    until(lambda: "takes frames again" in process_log(process), process=process)
    send_more()
    log = ended(process)
    assert "the disk takes none and memory is full" in log
    lost = int(re.findall(r"(\d+) frames lost", log)[-1])
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert lost > 0
    assert len(rows) + lost == sent
    assert numbers_of(rows[-1000:]) == list(range(1000))  # the newest are there


def test_a_disk_that_somebody_else_fills_is_waited_for(agent, tmp_path, small_disk):
    env = {"AGENT_CLOCK_WAIT_SECONDS": "0", "AGENT_FREE_MEGABYTES": "0"}
    process = agent("--spool", small_disk / "spool", "--window", "1", env=env)
    send_paced(["vcan0"], 500, 1000)
    until(lambda: rows_landed(tmp_path) == 500, process=process)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    send_paced(["vcan0"], 10_000, 2000)  # more than the last page of a file takes
    until(lambda: "takes no frames (" in process_log(process), process=process)
    filler.unlink()
    until(lambda: "takes frames again" in process_log(process), process=process)
    log = ended(process)
    assert "No space left on device" in log
    assert log.count("takes no frames") < 5
    assert "0 frames lost" in log
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert numbers_of(rows) == [*range(500), *range(10_000)]


def test_two_agents_by_mistake(agent, tmp_path):
    process = agent("--window", "0.5", env={"AGENT_CLOCK_WAIT_SECONDS": "0"})
    places = ["--spool", tmp_path / "spool", "--lake", (tmp_path / "lake").as_uri(), "--vehicle", "V"]
    command = [sys.executable, "-m", "tests.edge_agent.bare_agent", "--channel", "vcan0", *places]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert second.returncode == 1
    assert "another agent uses this spool" in second.stderr
    assert "Traceback" not in second.stderr
    send_now("vcan0", 0, 5)
    until(lambda: rows_landed(tmp_path) == 5, process=process)
    ended(process)
