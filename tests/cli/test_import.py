"""`telemetry import`: logs in, raw objects and an account out."""

import json

import pytest
import typer
from typer.testing import CliRunner

from telemetry_pipeline.cli.import_log import import_log
from telemetry_pipeline.errors import BadKey, BadSetting, TransientError
from telemetry_pipeline.lake import parquet, schema
from telemetry_pipeline.lake.store import Store

app = typer.Typer()
app.command()(import_log)


@pytest.fixture
def store(tmp_path, monkeypatch):
    url = (tmp_path / "lake").as_uri()
    monkeypatch.setenv("TELEMETRY_LAKE", url)
    return Store.open(url)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "drive.log"
    path.write_text("".join(f"(18000000{nth:02d}.5) can{nth % 2} 123#{nth:04X}\n" for nth in range(90)))
    return path


def run(*args):
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_every_frame_lands_in_windows(store, log):
    result = run(log, "--vehicle", "CAR_1", "--window", "30s", "--json")
    assert result.exit_code == 0
    (account,) = json.loads(result.stdout)["logs"]
    assert (account["format"], account["frames"], account["objects"], account["error"]) == (
        "candump",
        90,
        3,
        None,
    )
    assert account["first_ns"] == 1_800_000_000_500_000_000
    keys = sorted(info.key for info in store.list_objects("raw/"))
    assert keys[0] == "raw/vehicle_id=CAR_1/year=2027/month=01/day=15/20270115T080000.500Z_raw.parquet"
    tables = [parquet.read_raw(store.get(key), key) for key in keys]
    assert [int.from_bytes(value, "big") for table in tables for value in table["data"].to_pylist()] == list(
        range(90)
    )


def test_flags_of_can_fd_land_in_the_objects_that_have_one(store, tmp_path):
    lines = ["(1800000000.5) can0 123##011", "(1800000060.5) can0 123##111", "(1800000061.5) can0 123##011"]
    (tmp_path / "fd.log").write_text("\n".join(lines))
    assert run(tmp_path / "fd.log", "--vehicle", "CAR_1", "--window", "30s").exit_code == 0
    bodies = [store.get(key) for key in sorted(info.key for info in store.list_objects("raw/"))]
    columns = [parquet.open_object(body, "raw").schema_arrow.names for body in bodies]
    assert columns == [schema.RAW.names, schema.RAW_FD.names]
    table = parquet.read_raw(bodies[1], "raw", wanted=schema.RAW_FD)
    assert table["bitrate_switch"].to_pylist() == [True, False]
    # the decoder has the same frames as without them
    assert parquet.read_raw(bodies[1], "raw").equals(table.select(schema.RAW.names))


def test_importing_again_is_no_error_and_writes_nothing(store, log):
    run(log, "--vehicle", "CAR_1")
    before = {info.key: store.get(info.key) for info in store.list_objects("raw/")}
    result = run(log, "--vehicle", "CAR_1", "--json")
    assert result.exit_code == 0
    (account,) = json.loads(result.stdout)["logs"]
    assert (account["objects"], account["already_there"]) == (0, 2)
    assert {info.key: store.get(info.key) for info in store.list_objects("raw/")} == before


def test_a_log_that_fails_does_not_stop_the_others(store, log, tmp_path):
    bad = tmp_path / "diary.txt"
    bad.write_text("Dear diary\n")
    result = run(bad, tmp_path / "missing.blf", log, "--vehicle", "CAR_1", "--json")
    assert result.exit_code == 1
    accounts = json.loads(result.stdout)["logs"]
    assert [account["error"] is None for account in accounts] == [False, False, True]
    assert accounts[2]["frames"] == 90
    assert len(list(store.list_objects("raw/"))) == 2


def test_what_landed_before_a_log_failed_is_counted(store, log, monkeypatch):
    for limit in ("CHUNK_BYTES", "LINE_MAX", "_READ_BYTES"):  # a log of megabytes, in small
        monkeypatch.setattr(f"telemetry_pipeline.formats.lines.{limit}", 512)
    monkeypatch.setattr("telemetry_pipeline.formats.order.in_order.__defaults__", (4,))
    log.write_text(log.read_text() + "x" * 2000)
    result = run(log, "--vehicle", "CAR_1", "--window", "30s", "--json")
    assert result.exit_code == 1
    (account,) = json.loads(result.stdout)["logs"]
    bodies = [store.get(info.key) for info in store.list_objects("raw/")]
    rows = sum(parquet.read_raw(body, "raw").num_rows for body in bodies)
    assert "its lines have no end" in account["error"]
    assert (account["objects"], account["rows"], account["already_there"]) == (len(bodies), rows, 0)
    assert (account["size"], len(bodies), rows) == (sum(map(len, bodies)), 2, 60)
    said = run(log, "--vehicle", "CAR_1", "--window", "30s").stdout
    assert "0 raw objects of 0 frames were written, 2 were already there; they stay in the lake" in said


def test_a_lake_that_fails_leaves_an_account_of_what_it_took(store, log, tmp_path, monkeypatch):
    again, third = tmp_path / "again.log", tmp_path / "third.log"
    again.write_text(log.read_text().replace("(18", "(17"))
    third.write_text(log.read_text())
    put, taken = Store.put, []

    def fails_later(self, key, body, **options):
        if len(taken) == 3:
            raise TransientError("does not answer", self.url)
        taken.append(key)
        return put(self, key, body, **options)

    monkeypatch.setattr(Store, "put", fails_later)
    result = run(log, again, third, "--vehicle", "CAR_1", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert [(item["error"] is None, item["objects"]) for item in said["logs"]] == [(True, 2), (False, 1)]
    assert "does not answer" in said["logs"][1]["error"]
    assert said["not_tried"] == [str(third)]
    told = run(log, again, third, "--vehicle", "CAR_1").stdout
    assert f"{again}: not tried" in told
    assert f"{third}: not tried" in told


def test_a_person_reads_what_was_left_out(store, log):
    log.write_text(log.read_text() + "torn\n(1800000099.0) can0 1#\n(1800000099.5) can0 123#00\n")
    result = run(log, "--vehicle", "CAR_1", "--channel", "can0")
    assert result.exit_code == 0
    assert "candump, 46 frames" in result.stdout
    assert "2 lines are no frames: 91, 92" in result.stdout
    assert "45 frames of other channels left out" in result.stdout


def test_start_places_a_log_without_absolute_times(store, tmp_path):
    log = tmp_path / "bench.csv"
    log.write_text("370458000,00000394,false,0,2,00,E0\n")
    refused = run(log, "--vehicle", "CAR_1")
    assert refused.exit_code == 1
    assert "--start" in refused.stdout
    assert run(log, "--vehicle", "CAR_1", "--start", "2026-11-22T08:00:00Z").exit_code == 0
    (info,) = store.list_objects("raw/")
    assert info.key.endswith("day=22/20261122T080000.000Z_raw.parquet")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--vehicle", "../x"], BadKey),
        (["--vehicle", "V", "--start", "yesterday"], BadSetting),
        (["--vehicle", "V", "--window", "0s"], BadSetting),
    ],
)
def test_bad_arguments_are_refused(store, log, options, error):
    with pytest.raises(error):
        run(log, *options)
    assert not list(store.list_objects("raw/"))
