"""What one night's compaction takes, passes by and leaves, and what it says of each. Within this process, over a folder."""

import datetime as dt
import json
import time
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import pytest

from telemetry_pipeline import compact_task
from telemetry_pipeline.errors import NotFound, TransientError
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded
from tests.nights import QUIET, SPEED, days, fill, yesterday


@pytest.fixture
def lake(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("TELEMETRY_LAKE", folder_lake.url)
    fill(folder_lake, days())
    return folder_lake


def night_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code = compact_task.main([*QUIET, *arguments])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_day_that_fails_holds_up_no_other_and_is_told_by_the_exit_code(
    lake: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest, first, *_ = compact_day, *days()
    bad = {
        days()[0]: TransientError("away", "decoded/"),
        days()[1]: ValueError("nobody thought of this"),
        days()[2]: OSError(28, "No space left on device"),
        days()[3]: NotFound("gone"),
    }

    def failing(store: Store, partition: Partition) -> Any:
        if partition in bad:
            raise bad[partition]
        return honest(store, partition)

    with monkeypatch.context() as patched:
        patched.setattr(compact_task, "compact_day", failing)
        code, lines = night_of(capsys)
    assert code == 1
    assert {line["why"].partition(":")[0] for line in lines if line["event"] == "failed"} == {
        "decoded/",
        "nobody thought of this",
        "[Errno 28] No space left on device",
    }
    counts = ("compacted", "gone", "failed", "left")
    assert [lines[-1][name] for name in counts] == [2, 1, 3, 0]
    # the night after takes up what was not done, and nothing else
    code, lines = night_of(capsys)
    assert (code, [lines[-1][name] for name in counts]) == (0, [4, 0, 0, 0])
    assert first in {Partition(line["vehicle_id"], dt.date.fromisoformat(line["day"])) for line in lines[:-1]}
    code, lines = night_of(capsys)
    assert (code, [lines[-1][name] for name in counts]) == (0, [0, 0, 0, 0])


def test_days_for_which_there_is_no_time_are_told_of(
    lake: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = chain([0.0, 0.0, 1.0, 3_600.0], repeat(7_200.0))
    own = SimpleNamespace(monotonic=lambda: next(clock), time_ns=time.time_ns)
    monkeypatch.setattr(compact_task, "time", own)  # of this module alone: others ask the clock, too
    code, lines = night_of(capsys, "--begin-within", "1h")
    assert code == 1
    assert (lines[-1]["compacted"], lines[-1]["left"]) == (1, 5)


def test_late_data_of_the_window_is_taken_and_older_is_left_to_the_command(
    lake: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert night_of(capsys)[0] == 0
    for ago in (20, 40):
        fill(lake, [Partition("EV_1", yesterday() - dt.timedelta(days=ago))])
    late = days()[1]
    put_decoded(lake, late, "late", {SPEED: ([late.start_ns + 1], [1.0])})
    today = Partition("EV_1", yesterday() + dt.timedelta(days=1))
    lake.put(DecodedObject(today, "x").key, b"-")
    _, lines = night_of(capsys)
    taken = {line["day"] for line in lines if line["event"] == "compacted"}
    assert taken == {late.date.isoformat(), (yesterday() - dt.timedelta(days=20)).isoformat()}


def test_a_setting_that_will_not_do_ends_it_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEMETRY_LAKE", "ftp://lake")
    assert compact_task.main([]) == 2
    assert "not a lake URL" in capsys.readouterr().out
    assert compact_task.main(["--quiet", "soon"]) == 2
    assert "'soon' is not a duration" in capsys.readouterr().out
