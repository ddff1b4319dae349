"""The task that compacts every night: run as Fargate runs it, from its package, against what the commands write."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telemetry_pipeline import compact_task
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import SIGNAL_OVERVIEW, SIGNAL_SERIES
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.pending import days_to_compact
from telemetry_pipeline.series.tier_days import days_of
from telemetry_pipeline.series.tiers import TIERS_S
from tests.nights import QUIET, days, fill, yesterday
from tests.package_contents import lacking
from tests.recipes import ROOT, Recipe
from tests.s3_server import S3Server
from tests.unpacked_function import INTERPRETER, Package

STAGE = Recipe.read(ROOT / "deploy" / "lambda-api.Dockerfile").stages[0]


def made(store: Store) -> dict[str, bytes]:
    """All that compaction writes, by key."""
    return {
        info.key: store.get(info.key)
        for zone in ("series/", "overview/")
        for info in store.list_objects(zone)
    }


def registered(lake: str, database: str, server: S3Server) -> dict[str, list[Any]]:
    glue = open_catalog(lake, database, endpoint_url=server.endpoint)
    assert glue is not None
    return {
        table.name: sorted(item["Values"] for item in glue.partitions(table))
        for table in (SIGNAL_SERIES, SIGNAL_OVERVIEW)
    }


def env_of(server: S3Server, lake: str, database: str) -> dict[str, str]:
    return {
        **server.env,
        "AWS_ENDPOINT_URL": server.endpoint,
        "TELEMETRY_LAKE": lake,
        "TELEMETRY_CATALOG": database,
    }


def start(env: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    """The task from this source tree."""
    return subprocess.Popen(
        [sys.executable, "-m", "telemetry_pipeline.compact_task", *QUIET, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[dict[str, Any]], str]:
    """Its exit code, its lines, and what it complained of."""
    out, err = process.communicate(timeout=300)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.slow
def test_the_package_alone_makes_what_the_commands_make(
    lambda_package: Callable[..., Package], aws_lake: str, aws_server: S3Server, tmp_path: Path
) -> None:
    package = lambda_package("api").folder
    lakes = {name: f"{aws_lake}/{name}" for name in ("task", "commands")}
    databases = {name: f"db_{uuid.uuid4().hex[:8]}" for name in lakes}
    stores = {name: Store.open(url, endpoint_url=aws_server.endpoint) for name, url in lakes.items()}
    # the last of three months ago is beyond the window
    partitions = days()
    for name, store in stores.items():
        glue = open_catalog(lakes[name], databases[name], endpoint_url=aws_server.endpoint)
        assert glue is not None
        for _ in sync(glue, store):
            pass  # tables, as the stacks make them
        fill(store, partitions)
    old = Partition("EV_1", yesterday() - dt.timedelta(days=90))
    fill(stores["task"], [old])

    env = dict(word.split("=", 1) for rest in STAGE.all("ENV") for word in rest.split())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (said,) = STAGE.all("ENTRYPOINT")
    program, *words = json.loads(said)
    assert Path(program).name == "python3.12"
    before = sorted(path for path in package.rglob("*"))
    watch = f"""
import runpy, sys
sys.argv[0] = "compact_task"
sys.path.insert(0, {str(package)!r})
try:
    runpy.run_module("telemetry_pipeline.compact_task", run_name="__main__")
finally:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    print(*filter(None, files), sep=chr(10), file=sys.stderr)
"""
    assert words == ["-m", "telemetry_pipeline.compact_task"]
    done = subprocess.run(
        [INTERPRETER, "-I", "-S", "-B", "-c", watch, *QUIET],
        cwd=package,
        env={
            "PATH": os.defpath,
            **env,
            "TMPDIR": str(scratch),
            **env_of(aws_server, lakes["task"], databases["task"]),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["rows"] for line in lines if line["event"] == "compacted"] == [800] * len(partitions)
    assert {**lines[-1], "seconds": 0} == {
        "event": "night",
        "compacted": 6,
        "gone": 0,
        "failed": 0,
        "left": 0,
        "refused_by_glue": 0,
        "seconds": 0,
    }
    homes = (str(package), str(Path(json.__file__).parents[1]))
    loaded = [line for line in done.stderr.splitlines() if line.endswith((".py", ".so"))]
    assert [file for file in loaded if not file.startswith(homes) or "site-packages" in file] == []
    ours = [file.removeprefix(f"{package}/") for file in loaded if file.startswith(f"{package}/")]
    assert lacking(lambda_package("api", "arm64").folder, ours) == []
    assert sorted(path for path in package.rglob("*")) == before, "its own folder is read-only"
    assert list(scratch.iterdir()) == []

    for command in (("compact", "--all", *QUIET, "--days", "27"), ("catalog", "sync")):
        subprocess.run(
            [str(Path(sys.executable).with_name("telemetry")), *command],
            env={**os.environ, **env_of(aws_server, lakes["commands"], databases["commands"])},
            capture_output=True,
            timeout=300,
            check=True,
        )
    wanted = made(stores["commands"])
    assert len([key for key in wanted if key.startswith(layout.SERIES)]) == len(partitions)
    assert made(stores["task"]) == wanted
    assert registered(lakes["task"], databases["task"], aws_server) == registered(
        lakes["commands"], databases["commands"], aws_server
    )


@pytest.mark.slow
def test_two_at_once_do_no_harm(aws_lake: str, aws_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, together = (
        Store.open(f"{aws_lake}/{name}", endpoint_url=aws_server.endpoint) for name in ("alone", "together")
    )
    partitions = days(5)
    for store in (alone, together):
        fill(store, partitions)
    processes = [start(env_of(aws_server, together.url, "none")) for _ in range(2)]
    (one, ones, _), (other, others, _) = (ended(process) for process in processes)
    # who lost every race for a day says so, and ends with 1
    assert [one, other] == [int(bool(lines[-1]["failed"])) for lines in (ones, others)]
    # the next one makes whole what both left to each other
    for store in (alone, together):
        for name, value in env_of(aws_server, store.url, "none").items():
            monkeypatch.setenv(name, value)
        assert compact_task.main([*QUIET]) == 0
    wanted = {key: body for key, body in made(alone).items() if key.startswith(layout.SERIES)}
    assert {key: body for key, body in made(together).items() if key.startswith(layout.SERIES)} == wanted
    for partition in partitions:
        for tier in TIERS_S:
            assert days_of(together, partition, tier) == days_of(alone, partition, tier), (partition, tier)
    assert list(days_to_compact(together, quiet_for_ns=0, now_ns=2**62)) == []


@pytest.mark.slow
def test_it_ends_at_its_time_whatever_it_is_at(aws_lake: str, aws_server: S3Server) -> None:
    code, _, said = ended(start(env_of(aws_server, aws_lake, "none"), "--end-within", "1ms"))
    assert code == 1
    assert "Timeout (0:00:00" in said
    assert re.search(r"compact_task.py", said), "it says where it stood"
