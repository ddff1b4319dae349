"""A deployment of stand-ins that `telemetry smoke` can check: everything of AWS in one moto process with its doors closed.

Played here and nowhere proven: CloudFormation's outputs are written by hand, AWS IoT's host of credentials is ours (real
TLS, which knows the certificates that moto made), the gateway is the service itself, and CloudFront a page with headers.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from api.door import open_app
from infra.permissions import EDGE, Need
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.recent import sync_recent
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from tests.api.conftest import running
from tests.doubles.athena.running import athena_running
from tests.edge_agent.credential_server import Authority
from tests.moto_server import moto_running
from tests.oidc import AUDIENCE, Issuer
from tests.smoke import doors
from tests.smoke.account import (
    ALARMS,
    BUCKET,
    CLIENT_ID,
    NAME,
    VEHICLE,
    close_doors,
    invite,
    make_lake,
    policy_of,
    say_outputs,
)
from tests.smoke.decoder import Decoder

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "DENY",
}


@dataclass
class Scene:
    """The deployment, and what a test may do to it.

    Attributes:
        client: A client of a service, with all rights.
        store: The lake, with all rights.
        issuer: Who signs tokens.
        decoder: Who decodes, unless a test keeps it away.
        host: The host of vehicles' credentials.
        ca: Who signs for that host.
        dead_letters: The queue's URL.
        orders: Says what happens to the next queries of Athena.
        headers: What the dashboard's page comes with.
        catalog_error: What the catalogue's function answers instead of working.
        env: What makes a process an administrator of it.
    """

    client: Callable[[str], Any]
    store: Store
    issuer: Issuer
    decoder: Decoder
    host: str
    ca: Path
    dead_letters: str
    orders: Callable[..., None]
    headers: dict[str, str] = field(default_factory=lambda: dict(_HEADERS))
    catalog_error: str | None = None
    env: dict[str, str] = field(default_factory=dict)

    def allow(self, needs: tuple[Need, ...]) -> None:
        """Give the vehicles' role these rows, as a stack does."""
        self.client("iam").put_role_policy(
            RoleName="edge", PolicyName="needs", PolicyDocument=json.dumps(policy_of(needs))
        )

    def add_alarm(self, name: str) -> None:
        """Make an alarm that tells somebody."""
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{NAME}-{name}",
            MetricName="m",
            Namespace="n",
            Period=60,
            Statistic="Sum",
            Threshold=1,
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=["arn:aws:sns:us-east-1:123456789012:alarms"],
        )

    def nobody_decodes(self) -> AbstractContextManager[None]:
        """A block within which no message is taken."""
        return self.decoder.kept_away()

    @property
    def glue(self) -> Glue:
        """The catalogue."""
        return Glue(self.client("glue"), self.store.url, "telemetry_db")

    def look_at_recent_days(self) -> None:
        """What the catalogue's function does."""
        for _ in sync_recent(self.glue, self.store, dt.datetime.now(dt.UTC).date()):
            pass

    def left(self) -> list[str]:
        """What a check has left behind: objects of its vehicle, its thing, its certificate, its partitions."""
        objects = [info.key for info in self.store.list_objects("") if VEHICLE in info.key]
        objects += [info.key for info in self.store.list_objects("dbc/")]
        iot = self.client("iot")
        things = [thing["thingName"] for thing in iot.list_things()["things"]]
        certificates = [found["certificateId"] for found in iot.list_certificates()["certificates"]]
        tables = self.client("glue").get_tables(DatabaseName="telemetry_db")["TableList"]
        partitions = [
            f"{table['Name']} {found['Values']}"
            for table in tables
            for found in self.client("glue").get_partitions(
                DatabaseName="telemetry_db", TableName=table["Name"]
            )["Partitions"]
        ]
        return [*objects, *things, *certificates, *partitions]


@contextmanager
def deployed(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Put it all up; the environment of this process is that of an administrator of it."""
    with ExitStack() as stack:
        server = stack.enter_context(athena_running(folder))
        # with its doors closed, moto takes its own client's signatures of deletions for wrong
        vehicles = stack.enter_context(moto_running(folder))
        people = invite(server.endpoint, vehicles.endpoint)
        env = people.env
        for name, value in env.items():
            patch.setenv(name, value)
        client = _clients(server.endpoint, vehicles.endpoint)
        queue, dead = make_lake(client)
        close_doors(server.endpoint)
        authority = Authority(folder / "authority")
        host = stack.enter_context(doors.credentials(authority, client, people.edge, VEHICLE))
        issuer = Issuer()
        stack.callback(issuer.close)
        store = Store.open(f"s3://{BUCKET}", endpoint_url=server.endpoint)
        decoder = Decoder(store.url, queue, server.endpoint)
        scene = Scene(client, store, issuer, decoder, host, authority.ca, dead, server.order, env=env)
        scene.allow(EDGE)
        for name in ALARMS:
            scene.add_alarm(name)
        for _ in sync(scene.glue, store):
            pass
        stack.enter_context(decoder.running())
        env["AWS_ENDPOINT_URL_LAMBDA"] = stack.enter_context(
            doors.function(f"{NAME}-catalog", scene.look_at_recent_days, lambda: scene.catalog_error)
        )
        settings = {
            "TELEMETRY_LAKE": store.url,
            "AWS_ENDPOINT_URL": server.endpoint,
            "TELEMETRY_AUTH_ISSUER": issuer.url,
            "TELEMETRY_AUTH_AUDIENCE": AUDIENCE,
        }
        app = open_app(Settings.from_env(settings), host=None, credentials="chain")
        api = str(stack.enter_context(running(app)).base_url).rstrip("/")
        say_outputs(client, api, stack.enter_context(doors.site(scene.headers, CLIENT_ID)), queue, dead)
        yield scene


def _clients(endpoint: str, iot_endpoint: str) -> Callable[[str], Any]:
    """Clients of this process's credentials, each made once."""
    session = boto3.session.Session()
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            where = iot_endpoint if service == "iot" else endpoint
            made[service] = session.client(service, endpoint_url=where)
        return made[service]

    return client
