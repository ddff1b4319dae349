"""The Spark door, on real Spark with two workers: the same bytes as any other door, and every object accounted for."""

import datetime as dt
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.spark_job import Selection, list_raws, main
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.s3_server import S3Server

MIDNIGHT = NOON + DAY_NS // 2
BOUND = b"bindings:\n  - vehicles: ['EV_*']\n    dbc: [ev_powertrain.dbc]\n"

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")


def fill(store: Store) -> list[RawObject]:
    """Two vehicles' days, one object across midnight, one that is no Parquet."""
    add_dbc(store)
    raws = [land(store, f"EV_{v}", NOON + k * 60 * SECOND) for v in (1, 2) for k in range(5)]
    raws.append(land(store, "EV_2", MIDNIGHT - SECOND, count=300))
    broken = RawObject.starting("EV_3", NOON)
    store.put(broken.key, b"not Parquet")
    return [*raws, broken]


def spark_env(hosts: Path) -> dict[str, str]:
    """What makes Spark work in a small process with two local workers, whatever the machine is called."""
    # Spark asks for the address of its own host by name, which not every machine knows
    hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    return {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": "--master local[2] --driver-memory 512m"
        # what makes a long job faster makes a short one slower
        f" --driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djdk.net.hosts.file={hosts}'"
        " --conf spark.sql.codegen.wholeStage=false --conf spark.ui.enabled=false pyspark-shell",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def submit(hosts: Path, store: Store, *options: str, endpoint_url: str = "") -> tuple[int, dict[str, Any]]:
    """Run the job as its own process on two local workers; its exit code and its summary."""
    env = {**os.environ, **spark_env(hosts)}
    if endpoint_url:
        env["AWS_ENDPOINT_URL"] = endpoint_url
    job = subprocess.run(
        [sys.executable, "-m", "telemetry_pipeline.spark_job", "--lake", store.url, *options],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert job.stdout, job.stderr
    return job.returncode, json.loads(job.stdout)


def decoded_bytes(store: Store) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list_objects(layout.DECODED)}


@needs_java
@pytest.mark.slow
def test_a_backlog_is_decoded_to_the_bytes_of_every_other_door(
    s3_lake: str, s3_server: S3Server, tmp_path: Path
) -> None:
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    twin = Store.open((tmp_path / "twin").as_uri())
    raws = fill(store)
    assert fill(twin) == raws
    store.put(layout.BINDINGS, BOUND)
    stranger = land(store, "TRUCK")

    code, summary = submit(
        tmp_path / "hosts", store, "--JOB_NAME", "backlog", endpoint_url=s3_server.endpoint
    )
    assert code == 1
    assert (summary["objects"], summary["decoded"]) == (13, 11)
    assert list(summary["quarantined"]) == [raws[-1].key]
    assert list(summary["still_pending"]) == [stranger.key]
    assert "TRUCK" in summary["still_pending"][stranger.key]
    assert summary["report"]["rows"] == summary["report"]["decoded_frames"] == 1300
    for _ in process_objects(twin, Databases.load(twin), raws):
        pass
    assert decoded_bytes(store) == decoded_bytes(twin)
    assert len(decoded_bytes(store)) == 12


def test_a_selection_is_by_vehicle_day_and_what_waits(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    days = [land(folder_lake, "EV_1", NOON + day * DAY_NS) for day in range(4)]
    other = land(folder_lake, "EV_2")
    for _ in process_objects(folder_lake, Databases.load(folder_lake), days[:1]):
        pass
    noon = dt.date(2026, 2, 23)
    assert list_raws(folder_lake, Selection()) == [*days[1:], other]
    assert list_raws(folder_lake, Selection(again=True)) == [*days, other]
    assert list_raws(folder_lake, Selection("EV_2")) == [other]
    assert list_raws(folder_lake, Selection("EV_1", first=noon + dt.timedelta(2))) == days[2:]
    assert list_raws(folder_lake, Selection(last=noon, again=True)) == [days[0], other]
    assert list_raws(folder_lake, Selection("NOBODY", again=True)) == []


def test_nothing_to_do_is_done_without_spark(folder_lake: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lake", folder_lake.url]) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == 0
    assert ledger.vehicles(folder_lake) == []


@pytest.mark.parametrize("options", [["--from", "yesterday"], ["--vehicel", "EV_1"]])
def test_options_that_are_none_are_refused(
    folder_lake: Store, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--lake", folder_lake.url, *options])
    assert ended.value.code == 2


def test_a_lake_that_is_none_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lake", "gopher://lake"]) == 2
    assert capsys.readouterr().err.startswith("spark_job: gopher://lake: not a lake URL")
