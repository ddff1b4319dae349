"""Fixtures that every room shares: empty lakes, and a real S3 server on loopback."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from telemetry_pipeline.lake.store import Store
from tests.doubles.athena.running import AthenaLake, AthenaServer, athena_running, make_lake
from tests.moto_server import ENV
from tests.servers import ended, free_port, wait_for_http, wait_until

BUCKET = "telemetry"

_IDENTITIES = """{"identities": [{"name": "admin", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
"credentials": [{"accessKey": "lake-admin", "secretKey": "lake-admin-secret"}]},
{"name": "vehicle", "actions": ["Write:telemetry/*"],
"credentials": [{"accessKey": "vehicle", "secretKey": "vehicle-secret"}]}]}"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-images", action="store_true", help="take the pictures of the documentation anew"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Workers of xdist ignore Ctrl-C, and what they start would inherit that: then nothing that is tested ends by it."""
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class S3Server:
    """A running S3 server, and the environment that makes anything use it."""

    endpoint: str
    env: dict[str, str]


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings or credentials of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("TELEMETRY_", "AWS_", "AGENT_", "DAGSTER_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """SeaweedFS: a production S3 server that checks signatures, started for this session alone."""
    for attempt in range(3):  # a port found free may be taken before the server asks for it
        folder = tmp_path_factory.mktemp("seaweedfs")
        port = free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                _weed(folder, port), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        with ended(process, gently=False):  # it holds nothing worth an orderly end
            server = _s3_server(f"http://127.0.0.1:{port}")
            try:
                wait_for_http(server.endpoint, process, log=folder / "log", any_status=True)
            except AssertionError:
                if attempt == 2 or process.poll() is None:
                    raise
                continue
            _make_bucket(server)
            yield server
            return


def _weed(folder: Path, port: int) -> list[str]:
    (folder / "identities.json").write_text(_IDENTITIES)
    # every component listens twice; all ports are given, so that two servers on one machine do not meet
    ports = {name: free_port() for name in ("master", "volume", "filer")}
    grpc = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    return [
        *(str(Path(sys.executable).parent / "weed"), "-logtostderr", "server", "-s3"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-volume.max=64", "-s3.iam=false"),
        *(f"-s3.port={port}", f"-s3.config={folder / 'identities.json'}"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}.port={number}" for name, number in ports.items()),
        *(f"-{name}.port.grpc={number}" for name, number in grpc.items()),
    ]


def _s3_server(endpoint: str) -> S3Server:
    return S3Server(
        endpoint,
        {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "lake-admin",
            "AWS_SECRET_ACCESS_KEY": "lake-admin-secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
    )


def _make_bucket(server: S3Server) -> None:
    """Make the bucket and wait until it takes an object: the S3 door opens before the volumes behind it."""
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=server.env["AWS_SECRET_ACCESS_KEY"],
        region_name=server.env["AWS_REGION"],
    )

    def ready() -> bool:
        try:
            if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"-")
        except ClientError:
            return False
        return True

    wait_until(ready, "the S3 server to take an object")


@pytest.fixture
def s3_lake(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty lake under a prefix of its own; this process's environment has the credentials."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["file", "s3"])
def any_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty lake, in a folder and in a bucket: what a contract test runs over."""
    if request.param == "file":
        return Store.open((tmp_path / "lake").as_uri())
    url = request.getfixturevalue("s3_lake")
    return Store.open(url, endpoint_url=request.getfixturevalue("s3_server").endpoint)


@pytest.fixture
def folder_lake(tmp_path: Path) -> Store:
    """An empty lake in a folder."""
    return Store.open((tmp_path / "lake").as_uri())


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Moto as a process: S3, SQS and Glue behind one endpoint, with Glue's partition expressions."""
    port = free_port()
    folder = tmp_path_factory.mktemp("moto")
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    with ended(process, gently=False):
        server = _s3_server(f"http://127.0.0.1:{port}")
        wait_for_http(f"{server.endpoint}/moto-api/", process, log=folder / "log", any_status=True)
        _make_bucket(server)
        yield server


@pytest.fixture
def aws_lake(aws_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty lake in a bucket with Glue beside it; this process's environment has the credentials."""
    for name, value in aws_server.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def athena_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaServer]:
    """S3, Glue and an Athena that really executes SQL, behind one endpoint."""
    with athena_running(tmp_path_factory.mktemp("athena")) as server:
        yield server


@pytest.fixture
def athena_lake(athena_server: AthenaServer, monkeypatch: pytest.MonkeyPatch) -> AthenaLake:
    """An empty lake in a bucket with a catalogue and a workgroup; this process's environment has the credentials."""
    for name, value in {**ENV, "AWS_ENDPOINT_URL": athena_server.endpoint}.items():
        monkeypatch.setenv(name, value)
    return make_lake(athena_server)
