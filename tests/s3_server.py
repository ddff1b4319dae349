"""A real S3 server as a process of its own: SeaweedFS, which checks signatures."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from tests.servers import ended, free_port, wait_for_http, wait_until

BUCKET = "telemetry"

_IDENTITIES = """{"identities": [{"name": "admin", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
"credentials": [{"accessKey": "lake-admin", "secretKey": "lake-admin-secret"}]},
{"name": "vehicle", "actions": ["Write:telemetry/*"],
"credentials": [{"accessKey": "vehicle", "secretKey": "vehicle-secret"}]}]}"""


@dataclass(frozen=True)
class S3Server:
    """A running S3 server, and the environment that makes anything use it."""

    endpoint: str
    env: dict[str, str]

    @classmethod
    def at(cls, port: int) -> "S3Server":
        """The server behind a port of loopback."""
        endpoint = f"http://127.0.0.1:{port}"
        return cls(
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

    def make_bucket(self) -> None:
        """Make the bucket and wait until it takes an object: the S3 door opens before the volumes behind it."""
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            region_name=self.env["AWS_REGION"],
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


class SeaweedFS:
    """The process; killed, it is started again over what it had stored.

    Args:
        folder: Where it stores.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.server = S3Server.at(self.port)
        # every component listens twice; all ports are given, so that two servers on one machine do not meet
        self._ports = {name: free_port() for name in ("master", "volume", "filer")}
        self._grpc = {name: free_port() for name in ("master", "volume", "filer", "s3")}

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Iterator["SeaweedFS"]:
        """One that takes objects, in a bucket."""
        for attempt in range(3):  # a port found free may be taken before the server asks for it
            store = cls(folder / str(attempt))
            try:
                store.start()
            except AssertionError:
                if attempt == 2 or store.process.poll() is None:
                    raise
                continue
            with ended(store.process, gently=False):  # it holds nothing worth an orderly end
                yield store
                store.kill()
            return

    def start(self) -> None:
        """Start it, for the first time or again, and wait until it takes an object."""
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            wait_for_http(self.server.endpoint, self.process, log=self._folder / "log", any_status=True)
            self.server.make_bucket()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL."""
        with ended(self.process, gently=False):
            pass

    def _command(self) -> list[str]:
        (self._folder / "identities.json").write_text(_IDENTITIES)
        return [
            *(str(Path(sys.executable).parent / "weed"), "-logtostderr", "server", "-s3"),
            *(
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-dir={self._folder}",
                "-volume.max=64",
                "-s3.iam=false",
            ),
            *(f"-s3.port={self.port}", f"-s3.config={self._folder / 'identities.json'}"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            *(f"-{name}.port={number}" for name, number in self._ports.items()),
            *(f"-{name}.port.grpc={number}" for name, number in self._grpc.items()),
        ]
