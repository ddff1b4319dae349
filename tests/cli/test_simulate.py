"""`telemetry simulate`: drives that land as raw objects, the same bytes from the same arguments."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from edge_agent.database import BUNDLED
from telemetry_pipeline.cli.simulate import simulate
from telemetry_pipeline.errors import AlreadyExists, BadKey, BadSetting
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.windows import stamps_of

app = typer.Typer()
app.command()(simulate)


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEMETRY_LAKE", (tmp_path / "lake").as_uri())
    return tmp_path / "lake"


def run(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


DRIVE = ("--vehicle", "V", "--start", "2026-11-22T23:58:30Z", "--duration", "3m")


def test_a_drive_lands_as_raw_objects(lake):
    answer = run(*DRIVE)
    raws = sorted(lake.rglob("*_raw.parquet"))
    assert answer["objects"] == len(raws) == 4  # 60 s, to midnight, 60 s, the rest
    assert answer["frames"] == 3 * 60 * 124
    assert answer["bytes"] == sum(path.stat().st_size for path in raws)
    tables = []
    for path in raws:
        raw = RawObject.parse(path.relative_to(lake).as_posix())
        table = read_raw(path.read_bytes(), path.name)
        stamps = stamps_of(table)
        assert pq.read_schema(path).names == schema.RAW.names
        assert raw.partition.start_ns <= stamps[0] <= stamps[-1] < raw.partition.end_ns
        tables.append(table)
    assert sum(table.num_rows for table in tables) == answer["frames"]


def test_the_database_comes_with_it(lake):
    assert run(*DRIVE)["dbc_added"] is True
    assert (lake / "dbc" / "ev_powertrain.dbc").read_bytes() == BUNDLED.read_bytes()
    assert run(*DRIVE)["dbc_added"] is False


def test_again_is_no_change(lake):
    first = run(*DRIVE)
    before = files_of(lake)
    again = run(*DRIVE)
    assert (again["objects"], again["already_there"]) == (0, first["objects"])
    assert files_of(lake) == before


def test_the_same_arguments_give_the_same_bytes(lake):
    run(*DRIVE, "--seed", "7")
    before = files_of(lake)
    shutil.rmtree(lake)
    run(*DRIVE, "--seed", "7")
    assert files_of(lake) == before


def test_another_object_of_the_same_key_is_not_overwritten(lake):
    run(*DRIVE)
    taken = min(lake.rglob("*_raw.parquet"))
    taken.write_bytes(b"other")
    with pytest.raises(AlreadyExists, match="another object"):
        run(*DRIVE)
    assert taken.read_bytes() == b"other"


def test_several_vehicles_are_numbered_and_differ(lake):
    answer = run(*DRIVE, "--vehicles", "3")
    assert answer["vehicles"] == ["V_001", "V_002", "V_003"]
    assert sorted(path.name for path in (lake / "raw").iterdir()) == [
        f"vehicle_id=V_00{n}" for n in (1, 2, 3)
    ]
    contents = list(files_of(lake / "raw").values())
    assert len(set(contents)) == len(contents)


def test_a_bucket_gets_the_same_bytes(lake, s3_lake, s3_server, monkeypatch):
    run(*DRIVE)
    monkeypatch.setenv("TELEMETRY_LAKE", s3_lake)
    assert run(*DRIVE)["objects"] == 4
    assert run(*DRIVE)["already_there"] == 4
    bucket = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    assert {info.key: bucket.get(info.key) for info in bucket.list_objects("")} == files_of(lake)


def test_windows_have_the_length_asked_for(lake):
    answer = run(
        "--vehicle", "V", "--start", "2026-11-22T08:00:00+01:00", "--duration", "1m", "--window", "10s"
    )
    assert answer["objects"] in (6, 7)  # a window begins at its first frame


def test_a_readable_answer(lake):
    result = CliRunner().invoke(app, list(DRIVE), catch_exceptions=False)
    assert "4 raw objects landed" in " ".join(result.stdout.split())
    assert "added dbc/ev_powertrain.dbc" in result.stdout


def test_another_database_of_that_name_is_not_overwritten(lake):
    (lake / "dbc").mkdir(parents=True)
    (lake / "dbc" / "ev_powertrain.dbc").write_text("mine")
    with pytest.raises(BadSetting, match="another database"):
        run(*DRIVE)
    assert not list(lake.rglob("*_raw.parquet"))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--vehicle", "../V", "--start", "2026-11-22T00:00:00Z"), BadKey),
        (("--vehicle", "V", "--start", "2026-11-22T00:00:00"), BadSetting),
        (("--vehicle", "V", "--start", "2026-11-22T00:00:00Z", "--duration", "long"), BadSetting),
        (("--vehicle", "V", "--start", "2026-11-22T00:00:00Z", "--rate", "0"), BadSetting),
        (("--vehicle", "V" * 62, "--vehicles", "2", "--start", "2026-11-22T00:00:00Z"), BadKey),
    ],
)
def test_what_cannot_be_simulated_is_refused(lake, arguments, error):
    with pytest.raises(error):
        run(*arguments)
