"""Fixtures that every room shares: empty lakes, and a real S3 server on loopback."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.servers import ended, free_port, wait_for_http, wait_until

from telemetry_pipeline.lake.store import Store

BUCKET = "telemetry"

_IDENTITIES = """{"identities": [{"name": "admin", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
"credentials": [{"accessKey": "lake-admin", "secretKey": "lake-admin-secret"}]}]}"""


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
    folder = tmp_path_factory.mktemp("seaweedfs")
    (folder / "identities.json").write_text(_IDENTITIES)
    port = free_port()
    # every component takes a port, and a second one (+10000) for gRPC: all are given, so that none collides
    ports = {name: free_port() for name in ("master", "volume", "filer")}
    grpc = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    weed = Path(sys.executable).parent / "weed"
    command = [
        *(
            str(weed),
            "-logtostderr",
            "server",
            "-s3",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-dir={folder}",
        ),
        *(
            f"-s3.port={port}",
            f"-s3.config={folder / 'identities.json'}",
            "-volume.max=64",
            "-volume.port.public=0",
        ),
        *(f"-{name}.port={number}" for name, number in ports.items()),
        *(f"-{name}.port.grpc={number}" for name, number in grpc.items()),
        "-s3.iam=false",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    with ended(process, gently=False):  # it holds nothing worth an orderly end
        endpoint = f"http://127.0.0.1:{port}"
        wait_for_http(endpoint, process, log=folder / "log", any_status=True)
        env = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "lake-admin",
            "AWS_SECRET_ACCESS_KEY": "lake-admin-secret",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            region_name=env["AWS_REGION"],
        )

        def ready() -> bool:
            """The S3 door opens before the volumes behind it: ready is when a write lands."""
            try:
                client.create_bucket(Bucket=BUCKET)
            except (client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                pass
            except ClientError:
                return False
            try:
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"-")
            except ClientError:
                return False
            return True

        wait_until(ready, "the S3 server to take an object")
        yield S3Server(endpoint, env)


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
