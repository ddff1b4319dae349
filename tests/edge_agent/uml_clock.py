"""Scenes in the guest: an agent whose computer does not know the time, or is told another."""

import subprocess
import time
from pathlib import Path

from edge_agent.records import FD
from tests.edge_agent.can_sender import send_now
from tests.edge_agent.uml_tools import SECOND, ended, numbers_of, objects, until

SLACK_S = 1.0
"""A guest that waits for a core reads its clock late, and sets it late; faults of clocks are hours and years."""


def sending(number, really):
    """Send a frame; the true times before and after it."""
    before = really + time.monotonic()
    send_now("vcan0", number, 1)
    return before, really + time.monotonic()


def dated(rows, sent):
    """Each frame has the time at which it was sent."""
    for row, (before, after) in zip(rows, sent, strict=True):
        assert before - SLACK_S < row["timestamp"].value / SECOND < after + SLACK_S


def test_a_computer_that_wakes_in_1975_dates_what_it_recorded(agent, tmp_path, clock):
    really = time.time() - time.monotonic()
    clock(157_766_400, synced=False)
    process = agent("--window", "0.5")
    sent = []
    for nth in range(8):
        if nth == 4:
            assert not list(objects(tmp_path))
            clock(really + time.monotonic(), synced=True)
        sent.append(sending(nth, really))
        time.sleep(0.4)
    until(lambda: sum(table.num_rows for _, table, _ in objects(tmp_path)) == 8, process=process)
    ended(process)
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert numbers_of(rows) == list(range(8))
    dated(rows, sent)
    assert {footer["clock"] for _, _, footer in objects(tmp_path)} == {"known"}
    assert not [path for path, _, _ in objects(tmp_path) if "1975" in str(path)]


def test_a_clock_that_jumps_by_years_stops_nothing(agent, tmp_path, clock):
    really = time.time() - time.monotonic()
    clock(really + time.monotonic(), synced=True)
    process = agent("--window", "0.5")
    sent = []
    for nth in range(9):
        if nth in (3, 6):
            clock(really + time.monotonic() + (3 if nth == 3 else -3) * 365 * 86_400, synced=False)
        sent.append(sending(nth, really))
        time.sleep(0.3)
    log = ended(process)
    assert log.count("the wall clock was set by") == 2
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert numbers_of(rows) == list(range(9))
    dated(rows, sent)


def test_a_time_that_never_comes_is_estimated_by_the_next_start_that_knows_it(agent, tmp_path, clock):
    really = time.time() - time.monotonic()
    clock(157_766_400, synced=False)
    process = agent("--window", "0.5")
    send_now("vcan1", 0, 5)
    time.sleep(1)
    ended(process)
    assert not list(objects(tmp_path))
    boot = Path("/run/boot_id")
    boot.write_text("ffffffff-another-boot\n")
    subprocess.run(["mount", "--bind", boot, "/proc/sys/kernel/random/boot_id"], check=True)
    try:
        clock(really + time.monotonic(), synced=True)
        process = agent("--window", "0.5")
        until(lambda: list(objects(tmp_path)), process=process)
        ended(process)
    finally:
        subprocess.run(["umount", "/proc/sys/kernel/random/boot_id"], check=True)
    ((path, table, footer),) = objects(tmp_path)
    assert footer["clock"] == "estimated"
    assert numbers_of(table.to_pylist()) == list(range(5))
    assert FD == 4  # as the kernel has it
    assert f"year={time.gmtime(really + time.monotonic()).tm_year}" in str(path)
