"""`telemetry compact`: one day, all that are quiet, and what is said when one of them fails."""

import datetime as dt
import json

import pytest
from typer.testing import CliRunner

from telemetry_pipeline.cli.main import app
from telemetry_pipeline.errors import BadSetting, NotFound
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded

DAY = Partition("VIN1", dt.date(2026, 3, 1))
SPEED = ("Drive", "Speed")


@pytest.fixture
def lake(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("TELEMETRY_LAKE", folder_lake.url)
    for shift in range(2):
        day = DAY.shifted(shift)
        put_decoded(folder_lake, day, "a", {SPEED: ([day.start_ns, day.start_ns + 1], [1.0, 2.0])})
    return folder_lake


def run(*arguments: str):
    result = CliRunner().invoke(app, ["compact", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_one_day(lake):
    said = run("--vehicle", "VIN1", "--day", "2026-03-01").stdout
    assert "VIN1 2026-03-01: 2 rows of 1 signals from 1 objects" in said
    assert "was there already" in run("--vehicle", "VIN1", "--day", "2026-03-01").stdout


def test_all_that_is_over_and_quiet(lake, monkeypatch):
    now = DAY.shifted(5).end_ns + max(info.modified_ns for info in lake.list_objects("decoded/"))
    monkeypatch.setattr("time.time_ns", lambda: now)
    lake.put(DecodedObject(DAY, "torn").key, b"PAR1")
    assert json.loads(run("--all", "--vehicle", "VIN2", "--json").stdout)["days"] == []
    days = json.loads(run("--all", "--quiet", "1m", "--json").stdout)["days"]
    assert [(day["day"], day["rows"], day["written"]) for day in days] == [
        ("2026-03-01", 2, True),
        ("2026-03-02", 2, True),
    ]
    assert list(days[0]["refused"]) == [DecodedObject(DAY, "torn").key]
    assert run("--all").stdout == "No day waits to be compacted.\n"


def test_a_day_that_fails_does_not_stop_the_others(lake, monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 2**62)

    def failing(store, partition):
        if partition == DAY:
            raise NotFound("gone")
        return compact_day(store, partition)

    monkeypatch.setattr("telemetry_pipeline.cli.compact.compact_day", failing)
    result = run("--all", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (len(answer["days"]), answer["failed"]) == (
        1,
        [{"vehicle_id": "VIN1", "day": "2026-03-01", "why": "gone"}],
    )


def test_all_of_the_last_days(lake):
    yesterday = Partition("VIN1", dt.datetime.now(dt.UTC).date()).shifted(-1)
    put_decoded(lake, yesterday, "a", {SPEED: ([yesterday.start_ns], [1.0])})
    days = json.loads(run("--all", "--days", "3", "--quiet", "1ms", "--json").stdout)["days"]
    assert [day["day"] for day in days] == [yesterday.date.isoformat()]


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["--vehicle", "V"], ["--day", "2026-03-01"], ["--all", "--day", "2026-03-01"]),
        ["--vehicle", "V", "--day", "2026-03-01", "--days", "3"],
    ],
)
def test_half_a_question_is_refused(lake, arguments):
    with pytest.raises(BadSetting, match="say what to compact"):
        run(*arguments)


def test_a_day_that_is_not_there(lake):
    with pytest.raises(NotFound, match="no decoded objects of VIN1 on 2026-04-01"):
        run("--vehicle", "VIN1", "--day", "2026-04-01")
