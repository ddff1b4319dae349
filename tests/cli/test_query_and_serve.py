"""`telemetry query` in each of its formats, and `telemetry serve`."""

import csv
import datetime as dt
import io
import json
import os
import re
import socket
import subprocess
import sys

import httpx
import numpy as np
import polars as pl
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from api.query import Drawn, Source
from api.tier_gaps import Gaps
from telemetry_pipeline.cli.query import query
from telemetry_pipeline.cli.serve import listen
from telemetry_pipeline.errors import BadQuery, BadSetting, PermanentError
from telemetry_pipeline.lake.layout import Partition
from tests.decoded_lake import put_decoded
from tests.servers import ended, free_port, wait_for_http, wait_until

S = 1_000_000_000
DAY = Partition("VIN1", dt.date(2026, 2, 12))
START = DAY.start_ns
TIMES = [START + index * 10_000_001 for index in range(500)]
RANGE = ["--start", "2026-02-12T00:00:00Z", "--end", "2026-02-12T00:00:04Z"]
INSIDE = [t for t in TIMES if t < START + 4 * S]


app = typer.Typer()
app.command()(query)


@pytest.fixture
def telemetry(folder_lake, monkeypatch):
    """Run `telemetry query` over a small lake and give what it printed."""
    monkeypatch.setenv("TELEMETRY_LAKE", folder_lake.url)
    put_decoded(
        folder_lake,
        DAY,
        "a",
        {("Drive", "Speed"): (TIMES, list(range(500))), ("Battery", "Level"): ([START], [0.1 + 0.2])},
    )

    def run(*arguments):
        result = CliRunner().invoke(app, arguments)
        if result.exception:
            raise result.exception
        return result.stdout

    return run


def test_csv_has_every_sample_to_the_nanosecond_and_the_bit(telemetry):
    done = telemetry("VIN1", "Drive.Speed", "Battery.Level", *RANGE, "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(done)))
    speed = [row for row in rows if row["signal_name"] == "Speed"]
    assert len(speed) == len(INSIDE)
    assert speed[1]["timestamp"] == "2026-02-12T00:00:00.010000001Z"
    assert speed[1]["unit"] == "km/h"
    (level,) = [row for row in rows if row["message_name"] == "Battery"]
    assert float(level["value"]) == 0.1 + 0.2


def test_parquet_goes_to_a_file(telemetry, tmp_path):
    out = tmp_path / "speed.parquet"
    telemetry("VIN1", "Drive.Speed", *RANGE, "-o", "parquet", "--out", str(out))
    frame = pl.read_parquet(out)
    assert frame["timestamp"].cast(pl.Int64).to_list() == INSIDE
    assert frame["value"].to_list() == [float(index) for index in range(len(INSIDE))]


def test_a_terminal_is_not_given_bytes(telemetry, monkeypatch):
    monkeypatch.setattr("telemetry_pipeline.cli.query._binary_would_show", lambda: True)
    with pytest.raises(BadSetting, match="--out"):
        telemetry("VIN1", "Drive.Speed", *RANGE, "-o", "parquet")


def test_a_measurement_file_has_a_group_for_each_message(telemetry, tmp_path):
    from asammdf import MDF  # slow to import, with sympy and pandas

    out = tmp_path / "drive.mf4"
    told = telemetry("VIN1", "Drive.Speed", "Battery.Level", *RANGE, "-o", "mf4", "--out", str(out))
    assert f"{len(INSIDE) + 1:,} samples in" in told
    with MDF(out) as file:
        assert file.header.start_time == dt.datetime(2026, 2, 12, tzinfo=dt.UTC)
        assert [group.channel_group.comment for group in file.groups] == ["Drive", "Battery"]
        speed = file.get("Speed")
        assert speed.unit == "km/h"
        assert [START + round(seconds * 1e9) for seconds in speed.timestamps.tolist()] == INSIDE
        assert speed.samples.tolist() == [float(index) for index in range(len(INSIDE))]
        assert file.get("Level").samples.tolist() == [0.1 + 0.2]


def test_a_measurement_file_needs_a_name_and_a_sample(telemetry, tmp_path):
    with pytest.raises(BadSetting, match=r"--out FILE\.mf4"):
        telemetry("VIN1", "Drive.Speed", *RANGE, "-o", "mf4")
    never = ["--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z"]
    with pytest.raises(BadQuery, match="no sample"):
        telemetry("VIN1", "Drive.Speed", *never, "-o", "mf4", "--out", str(tmp_path / "x.mf4"))


def picture_of(path):
    return Image.open(io.BytesIO(path.read_bytes()))


@pytest.mark.parametrize("output", ["csv", "parquet"])
def test_a_file_in_a_folder_that_is_missing_is_a_mistake(telemetry, tmp_path, output):
    out = tmp_path / "missing" / f"drive.{output}"
    with pytest.raises(BadSetting, match=r"drive\.\w+: cannot be written \(No such file or directory\)"):
        telemetry("VIN1", "Drive.Speed", *RANGE, "-o", output, "--out", str(out))


def test_a_picture_is_drawn_with_a_panel_for_each_unit(telemetry, tmp_path):
    out = tmp_path / "drive.png"
    told = telemetry("VIN1", "Drive.Speed", "Battery.Level", *RANGE, "-o", "png", "--out", str(out))
    width, height = picture_of(out).size
    one = tmp_path / "speed.png"
    telemetry("VIN1", "Drive.Speed", *RANGE, "-o", "png", "--out", str(one))
    assert (width, height) == (2100, picture_of(one).size[1] + 360)
    pixels = np.asarray(picture_of(one).convert("RGB")).astype(int)
    blue = np.flatnonzero((pixels[..., 2] > pixels[..., 0] + 60).any(axis=0))
    assert blue.max() - blue.min() > width * 0.8  # the line runs through the range
    assert f"{len(INSIDE) + 1:,} samples in" in told


def test_a_gap_lifts_the_pen():
    from telemetry_pipeline.cli.picture import _with_gaps  # slow to import, with matplotlib

    t = np.array([0, 10, 100, 110])
    source = Source("Drive", "Speed", "km/h", len(t))
    drawn = Drawn(source, t, np.arange(4.0), "raw", Gaps(np.array([[10, 100]]), complete=True), None, None)
    times, values = _with_gaps(drawn)
    assert times.view(np.int64).tolist() == [0, 10, 55, 100, 110]
    assert np.isnan(values).tolist() == [False, False, True, False, False]


def test_json_is_the_answer_of_the_service(telemetry):
    done = telemetry("VIN1", "Drive.Speed", *RANGE, "--max-points", "50", "--json")
    (speed,) = json.loads(done)["signals"]
    assert (len(speed["data"]), speed["source_points"], speed["method"]) == (50, len(INSIDE), "lttb")


def test_a_table_says_how_much_it_leaves_out(telemetry):
    done = telemetry("VIN1", "Drive.Speed", *RANGE)
    assert f"{len(INSIDE)} of {len(INSIDE)} samples, the first 20 shown" in done
    assert "2026-02-12T00:00:00.010000001Z" in done


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["VIN1", "Speed", *RANGE], "Message.Signal"),
        (["VIN1", "Drive.Sped", *RANGE], "Drive.Speed"),
        (["VIN2", "Drive.Speed", *RANGE], "VIN1"),
        (["VIN1", "Drive.Speed", "--start", "2026-02-12", "--end", "2026-02-13T00:00:00Z"], "zone"),
        (["VIN1", "Drive.Speed", "--start", RANGE[3], "--end", RANGE[1]], "after"),
    ],
)
def test_mistakes_are_one_line_with_a_remedy(telemetry, arguments, word):
    with pytest.raises(PermanentError) as caught:
        telemetry(*arguments)
    assert word in str(caught.value)


def test_serve_takes_the_next_free_port_and_answers(folder_lake, tmp_path):
    put_decoded(folder_lake, DAY, "a", {("Drive", "Speed"): (TIMES, list(range(500)))})
    log = tmp_path / "log"
    environment = os.environ | {"TELEMETRY_LAKE": folder_lake.url, "COLUMNS": "300", "PYTHONUNBUFFERED": "1"}
    with socket.create_server(("127.0.0.1", free_port())) as taken, log.open("wb") as sink:
        port = taken.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "telemetry_pipeline.cli.main", "serve", "--port", str(port)],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        with ended(process):
            printed = wait_until(
                lambda: (
                    re.search(r"http://127\.0\.0\.1:(\d+)/docs", log.read_text())
                    or (process.poll() is not None and log.read_text())
                ),
                "the address to be printed",
            )
            assert isinstance(printed, re.Match), printed
            base = f"http://127.0.0.1:{printed[1]}"
            assert int(printed[1]) > port
            assert f"port {port} is taken" in log.read_text()
            wait_for_http(f"{base}/health", process, log=log)
            body = {
                "signals": [{"message_name": "Drive", "signal_name": "Speed"}],
                "start_time": RANGE[1],
                "end_time": RANGE[3],
            }
            answer = httpx.post(f"{base}/vehicles/VIN1/query", json=body, trust_env=False).json()
            assert len(answer["signals"][0]["data"]) == len(INSIDE)
            assert httpx.get(base, trust_env=False).status_code == 200


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(BadSetting, match="cannot listen"):
        listen("192.0.2.1", 8000)
    with pytest.raises(BadSetting, match="no such address"):
        listen("no-such-host.invalid", 8000)
