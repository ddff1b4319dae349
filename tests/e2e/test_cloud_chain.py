"""A drive goes through the cloud: every part as it is deployed, AWS by stand-ins that are processes of their own.

The agent lands frames in a bucket, the bucket tells the queue, the decoder's package takes the messages, the catalogue's
door tells Glue, and the service's package answers a signed-in caller by Athena's SQL. Then Dagster takes the same queue.
What stands for AWS: moto's S3, SQS and Glue, the double of Athena, an issuer with real keys.
"""

import datetime as dt
import json
import math
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cantools.database
import pytest

from api.encode import to_ms
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import read_raw
from tests.doubles.athena.running import AthenaLake, AthenaServer, make_workgroup
from tests.function_events import http_event
from tests.function_queue import serve_queue
from tests.moto_server import Aws, Landing, make_landing
from tests.oidc import AUDIENCE, Issuer
from tests.raw_lake import EV_DBC, add_dbc
from tests.servers import DEADLINE_S, ended, wait_until
from tests.stack import daemon_running
from tests.unpacked_function import Package, invoke_package

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
VEHICLE = "EV_CLOUD"
WINDOWS = 2

Points = dict[tuple[str, str], list[tuple[float, float]]]
"""Times in milliseconds since the epoch, and values, by message and signal."""


@dataclass(frozen=True)
class Cloud:
    """The account: a bucket whose queue is told of what lands, its catalogue and workgroup, packages, an issuer."""

    landing: Landing
    lake: AthenaLake
    decoder: Package
    api: Package
    issuer: Issuer

    @property
    def env(self) -> dict[str, str]:
        """What everything that works on the lake is given."""
        return {
            **self.landing.aws.env(),
            "TELEMETRY_LAKE": self.lake.store.url,
            "TELEMETRY_CATALOG": self.lake.database,
        }

    def keys(self, prefix: str) -> list[str]:
        return sorted(info.key for info in self.lake.store.list_objects(prefix))

    def decoded(self) -> dict[str, bytes]:
        """Every decoded object by its key."""
        return {key: self.lake.store.get(key) for key in self.keys(layout.DECODED)}

    def partitions(self) -> list[list[str]]:
        """What Glue knows of decoded objects."""
        glue = self.lake.server.client("glue")
        try:
            answer = glue.get_partitions(DatabaseName=self.lake.database, TableName="decoded_signals")
        except glue.exceptions.EntityNotFoundException:
            return []
        return sorted(item["Values"] for item in answer["Partitions"])

    def forget(self) -> None:
        """Take away all that was made of the raw objects, in the bucket and in the catalogue."""
        for info in list(self.lake.store.list_objects("")):
            if not info.key.startswith((f"{layout.RAW}/", layout.DBC)):
                self.lake.store.delete(info.key)
        self.lake.server.client("glue").delete_database(Name=self.lake.database)

    def ask(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """What the service's function answers, asked behind API Gateway."""
        env = {
            **self.env,
            "TELEMETRY_ATHENA_WORKGROUP": self.lake.workgroup,
            "TELEMETRY_ATHENA_TIMEOUT": "600",
            "TELEMETRY_AUTH_ISSUER": self.issuer.url,
            "TELEMETRY_AUTH_AUDIENCE": AUDIENCE,
        }
        ran = invoke_package(self.api.folder, events, env, module="api.lambda_handler")
        assert ran.strangers == []
        return [item["answer"] for item in ran.answers]


@pytest.fixture
def cloud(
    athena_server: AthenaServer, lambda_package: Callable[..., Package], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    aws = Aws(athena_server.endpoint)
    for name, value in aws.env().items():
        monkeypatch.setenv(name, value)
    landing = make_landing(aws)
    add_dbc(landing.store)
    lake = make_workgroup(athena_server, landing.bucket, landing.store)
    for _ in sync(lake.glue, landing.store):
        pass  # tables, as the stacks make them
    issuer = Issuer()
    yield Cloud(
        landing,
        lake,
        lambda_package("decoder"),
        lambda_package("api"),
        issuer,
    )
    issuer.close()


def drive(cloud: Cloud, folder: Path) -> list[RawObject]:
    """The agent as a process, with a simulated bus, until it has landed some windows; what it landed."""
    command = [sys.executable, "-m", "edge_agent", "--simulate", "--vehicle", VEHICLE, "--window", "1"]
    command += ["--lake", cloud.lake.store.url, "--spool", str(folder / "spool")]
    log = folder / "agent.log"
    with log.open("wb") as out:
        agent = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **cloud.landing.aws.env()},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with ended(agent, gently=False):
        wait_until(
            lambda: agent.poll() is not None or len(cloud.keys(layout.RAW)) >= WINDOWS, "the agent to land"
        )
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(DEADLINE_S) == 0, log.read_text()
    landed = [RawObject.parse(key) for key in cloud.keys(layout.RAW)]
    wait_until(lambda: cloud.landing.messages()[0] >= len(landed), "S3 to announce what landed")
    return landed


def told_by_cantools(cloud: Cloud, landed: list[RawObject]) -> Points:
    """The frames of the bucket as cantools decodes them, one by one."""
    database = cantools.database.load_file(EV_DBC)
    found: Points = defaultdict(list)
    for raw in landed:
        for frame in read_raw(cloud.lake.store.get(raw.key), raw.key).to_pylist():
            message = database.get_message_by_frame_id(frame["arb_id"])
            time_ms = float(to_ms(frame["timestamp"].value))
            for name, value in message.decode(frame["data"], decode_choices=False).items():
                found[message.name, name].append((time_ms, float(value)))
    assert found
    return {name: sorted(points) for name, points in found.items()}


def instant(time_ms: float) -> str:
    return dt.datetime.fromtimestamp(math.floor(time_ms) / 1000, dt.UTC).isoformat()


def question(expected: Points) -> dict[str, Any]:
    """Every sample of every signal."""
    times = [time_ms for points in expected.values() for time_ms, _ in points]
    return {
        "signals": [{"message_name": message, "signal_name": name} for message, name in expected],
        "max_points": 100_000,
        "start_time": instant(min(times)),
        "end_time": instant(max(times) + 1),
    }


def told_by_the_service(answer: dict[str, Any]) -> Points:
    assert answer["statusCode"] == 200, answer["body"]
    return {
        (series["message_name"], series["name"]): [(point["t"], point["v"]) for point in series["data"]]
        for series in json.loads(answer["body"])["signals"]
    }


def test_a_drive_is_answered_from_the_packages_whoever_decodes_it(cloud: Cloud, tmp_path: Path) -> None:
    landed = drive(cloud, tmp_path)
    expected = told_by_cantools(cloud, landed)
    days = sorted({raw.partition for raw in landed})

    # the function decodes, and another one tells Glue
    ran = serve_queue(cloud.landing, cloud.decoder.folder, cloud.env)
    assert sum(line.get("ObjectsDecoded", 0) for one in ran for line in one.log) == len(landed)
    assert all(one.strangers == [] for one in ran)
    assert cloud.landing.messages() == (0, 0)
    by_function = cloud.decoded()
    assert set(by_function) == {raw.decoded_key for raw in landed}
    catalog = "telemetry_pipeline.catalog_handler"
    (told,) = invoke_package(cloud.api.folder, [{}], cloud.env, module=catalog).answers
    assert told["answer"]["decoded_signals"]["created"] == len(days)
    partitions = cloud.partitions()
    assert [values[0] for values in partitions] == [VEHICLE] * len(days)

    # the service answers, by Athena, and only whom it may
    body = question(expected)
    path = f"/vehicles/{VEHICLE}/query"
    mine = cloud.issuer.headers(**{"telemetry:vehicles": [VEHICLE]})
    somebodys = cloud.issuer.headers(**{"telemetry:vehicles": ["TRUCK_*"]})
    closed, foreign, forged, points = cloud.ask(
        http_event("POST", path, body=body),
        http_event("POST", path, body=body, headers=somebodys),
        http_event("POST", path, body=body, headers={"Authorization": mine["Authorization"][:-4] + "AAAA"}),
        http_event("POST", path, body=body, headers=mine),
    )
    assert [answer["statusCode"] for answer in (closed, foreign, forged)] == [401, 404, 401]
    assert told_by_the_service(points) == expected
    asked = cloud.lake.queries()
    assert asked
    assert {query["Status"]["State"] for query in asked} == {"SUCCEEDED"}
    assert all(query["Statistics"]["DataScannedInBytes"] > 0 for query in asked)

    # Dagster takes the same queue, and gives the same bytes
    cloud.forget()
    assert (cloud.decoded(), cloud.partitions()) == ({}, [])
    for raw in landed:
        cloud.lake.store.put(raw.key, cloud.lake.store.get(raw.key))
    with daemon_running(tmp_path, {**cloud.env, "TELEMETRY_INBOX_QUEUE": cloud.landing.queue_url}):
        wait_until(
            lambda: (
                cloud.landing.messages() == (0, 0)
                and cloud.keys(layout.DECODED) == sorted(by_function)
                and cloud.partitions() == partitions
            ),
            "Dagster to decode what the queue holds, and to tell Glue",
            pause=1.0,
            seconds=900,
        )
    assert cloud.decoded() == by_function
    (again,) = cloud.ask(http_event("POST", path, body=body, headers=mine))
    assert told_by_the_service(again) == expected
    assert len(cloud.lake.queries()) == 2 * len(asked)
