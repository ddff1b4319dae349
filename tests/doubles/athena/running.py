"""The double of Athena as a process, and what a test may order of it."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, SIGNAL_SERIES
from telemetry_pipeline.lake.store import Store
from tests.moto_server import ENV
from tests.servers import ended, free_port, wait_for_http

ROOT = Path(__file__).parents[3]
DATABASE = "telemetry_db"


@dataclass(frozen=True)
class AthenaServer:
    """A running double."""

    endpoint: str
    folder: Path

    @cached_property
    def clients(self) -> dict[str, Any]:
        """Clients are made once: each takes longer than what most tests ask of it."""
        return {
            name: self.session().client(name, endpoint_url=self.endpoint) for name in ("s3", "glue", "athena")
        }

    def client(self, service: str) -> Any:
        return self.clients[service]

    def session(self) -> Any:
        return boto3.session.Session(
            aws_access_key_id=ENV["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENV["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )

    def order(self, *orders: dict[str, Any]) -> None:
        """Say what shall happen to the next queries: throttle, delay_s, fail, cancel."""
        (self.folder / "orders.json").write_text(json.dumps(orders))

    def queries(self, workgroup: str) -> list[dict[str, Any]]:
        """Every query of a workgroup, oldest first, as GetQueryExecution tells it."""
        athena = self.client("athena")
        found = [
            athena.get_query_execution(QueryExecutionId=number)["QueryExecution"]
            for number in athena.list_query_executions()["QueryExecutionIds"]
        ]
        return [query for query in found if query["WorkGroup"] == workgroup]


@dataclass(frozen=True)
class AthenaLake:
    """An empty lake in a bucket of the double, with a workgroup and a database of its own."""

    server: AthenaServer
    store: Store
    database: str
    workgroup: str

    @property
    def glue(self) -> Glue:
        return Glue(self.server.client("glue"), self.store.url, self.database)

    def register(self) -> None:
        """Tell the catalogue what the lake holds, as `telemetry catalog sync` does for all tables."""
        for _ in sync(self.glue, self.store, (DECODED_SIGNALS, SIGNAL_SERIES)):
            pass

    def queries(self) -> list[dict[str, Any]]:
        """Every query of this lake, oldest first."""
        return self.server.queries(self.workgroup)


@contextmanager
def athena_running(folder: Path) -> Iterator[AthenaServer]:
    """Start the double; end it."""
    port = free_port()
    copies = folder / "copies"
    copies.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.doubles.athena.server", str(port), str(copies)],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with ended(process, gently=False):
        server = AthenaServer(f"http://127.0.0.1:{port}", copies)
        wait_for_http(f"{server.endpoint}/moto-api/", process, log=folder / "log", any_status=True)
        yield server


def make_lake(server: AthenaServer) -> AthenaLake:
    """An empty lake; the process's environment has to hold the credentials."""
    name = f"b{uuid.uuid4().hex[:12]}"
    server.client("s3").create_bucket(Bucket=name)
    return make_workgroup(server, name, Store.open(f"s3://{name}/lake", endpoint_url=server.endpoint))


def make_workgroup(server: AthenaServer, bucket: str, store: Store) -> AthenaLake:
    """A lake in a bucket that is there, with a workgroup and a database named after it."""
    server.client("athena").create_work_group(
        Name=bucket,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"}},
    )
    return AthenaLake(server, store, f"db_{bucket}", bucket)
