"""The benchmarks compare equal work, and their page is there. How fast anything is, no test asserts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.workload import load_car, make_frames

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_every_benchmark_runs_and_its_contenders_agree() -> None:
    from benchmarks.__main__ import _BENCHMARKS  # slow to import, with every contender

    command = [sys.executable, "-m", "benchmarks", "--frames", "3000", "--rounds", "1"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=300).stdout
    for name in _BENCHMARKS:
        assert re.search(rf"^{name}: ", said, re.MULTILINE)
    assert "cantools loop: every row is equal, bit for bit" in said
    assert "asammdf: 643 of 643 signals have equal values" in said
    assert "DIFFER" not in said


def test_the_page_holds_every_benchmark_and_says_where_it_ran() -> None:
    from benchmarks.__main__ import _BENCHMARKS, PAGE  # slow to import, with every contender

    page = PAGE.read_text()
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(_BENCHMARKS)
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC, .+ cores, Python 3\.\d+", page, re.MULTILINE)
    for library in ("numpy", "pyarrow", "cantools", "asammdf"):
        assert re.search(rf"{library} \d+\.\d+", page)


def test_the_car_has_every_kind_of_signal() -> None:
    messages = load_car().database.messages
    signals = [signal for message in messages for signal in message.signals]
    assert len(messages) == 80
    assert 600 < len(signals) < 660
    for kind in (
        [signal.byte_order == "big_endian" for signal in signals],
        [signal.is_signed for signal in signals],
        [signal.conversion.is_float for signal in signals],
        [message.is_multiplexed() for message in messages],
        [message.is_extended_frame for message in messages],
    ):
        assert any(kind)
        assert not all(kind)


def test_the_same_frames_come_every_time() -> None:
    frames = make_frames(2_000)
    assert frames.equals(make_frames(2_000))
    assert frames.num_rows == 2_000
