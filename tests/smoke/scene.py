"""A deployment of stand-ins that `telemetry smoke` can check: everything of AWS in one moto process with its doors closed.

Played here and nowhere proven: CloudFormation's outputs are written by hand, AWS IoT's host of credentials is ours (real
TLS, which knows the certificates that moto made), the gateway is the service itself, and CloudFront a page with headers.
"""

import json
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from api.door import open_app
from infra.permissions import EDGE, Need
from telemetry_pipeline import lambda_handler
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.s3_events import read_event
from telemetry_pipeline.settings import Settings
from tests.api.conftest import running
from tests.doubles.athena.running import athena_running
from tests.edge_agent.credential_server import Authority, CredentialServer, given
from tests.moto_server import moto_running
from tests.oidc import AUDIENCE, Issuer
from tests.s3_notifications import sqs_event

NAME, VEHICLE, BUCKET = "can-telemetry", "SMOKE", "smoke-lake"
ALIAS = "can-telemetry-agent"
_ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
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
        host: The host of vehicles' credentials.
        ca: Who signs for that host.
        dead_letters: The queue's URL.
        decoding: Whether somebody decodes.
        headers: What the dashboard's page comes with.
        catalog_error: What the catalogue's function answers instead of working.
        orders: Says what happens to the next queries of Athena.
        env: What makes a process an administrator of it.
    """

    client: Callable[[str], Any]
    store: Store
    issuer: Issuer
    host: str
    ca: Path
    dead_letters: str
    orders: Callable[..., None]
    decoding: threading.Event = field(default_factory=threading.Event)
    headers: dict[str, str] = field(default_factory=lambda: dict(_HEADERS))
    catalog_error: str | None = None
    env: dict[str, str] = field(default_factory=dict)

    def allow(self, needs: tuple[Need, ...]) -> None:
        """Give the vehicles' role these rows, as a stack does; moto does not know the variable of the thing's name."""
        statements = [
            {
                "Effect": "Allow",
                "Action": sorted(need.actions),
                "Resource": [
                    f"arn:aws:s3:::{BUCKET}/{prefix.replace('${credentials-iot:ThingName}', VEHICLE)}*"
                    for prefix in need.below
                ],
            }
            for need in needs
        ]
        document = {"Version": "2012-10-17", "Statement": statements}
        self.client("iam").put_role_policy(
            RoleName="edge", PolicyName="needs", PolicyDocument=json.dumps(document)
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

    def left(self) -> list[str]:
        """What a check has left behind: objects of its vehicle, its thing, its certificate, its partition."""
        objects = [info.key for info in self.store.list_objects("") if VEHICLE in info.key]
        objects += [info.key for info in self.store.list_objects("dbc/")]
        iot = self.client("iot")
        things = [thing["thingName"] for thing in iot.list_things()["things"]]
        certificates = [found["certificateId"] for found in iot.list_certificates()["certificates"]]
        partitions = self.client("glue").get_partitions(
            DatabaseName="telemetry_db", TableName="decoded_signals"
        )["Partitions"]
        return [*objects, *things, *certificates, *(str(found["Values"]) for found in partitions)]


ALARMS = (
    *("critical-LambdaErrorRate", "critical-Api5XXErrorRate", "critical-BucketSize", "warning-DeadLetters"),
    *("warning-DecoderDuration", "warning-AthenaBytesScanned", "warning-EdgeUploadFailures"),
)


@contextmanager
def deployed(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Put it all up; the environment of this process is that of an administrator of it."""
    with ExitStack() as stack:
        server = stack.enter_context(athena_running(folder))
        # with its doors closed, moto takes its own client's signatures of deletions for wrong
        vehicles = stack.enter_context(moto_running(folder))
        first = boto3.session.Session("testing", "testing-secret", region_name="us-east-1")
        iam = first.client("iam", endpoint_url=server.endpoint)
        iam.create_user(UserName="keeper")
        iam.put_user_policy(UserName="keeper", PolicyName="all", PolicyDocument=json.dumps(_ANYTHING))
        key = iam.create_access_key(UserName="keeper")["AccessKey"]
        role = iam.create_role(RoleName="edge", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        sts = first.client("sts", endpoint_url=server.endpoint)
        edge = sts.assume_role(RoleArn=role, RoleSessionName="vehicle")["Credentials"]
        env = {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ENDPOINT_URL_IOT": vehicles.endpoint,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in env.items():
            patch.setenv(name, value)
        session = boto3.session.Session()
        clients: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in clients:
                where = vehicles.endpoint if service == "iot" else server.endpoint
                clients[service] = session.client(service, endpoint_url=where)
            return clients[service]

        queue, dead = _lake(client)
        _close_doors(server.endpoint)
        authority = Authority(folder / "authority")
        host = stack.enter_context(_credentials(authority, client, edge))
        issuer = Issuer()
        stack.callback(issuer.close)
        store = Store.open(f"s3://{BUCKET}", endpoint_url=server.endpoint)
        scene = Scene(client, store, issuer, host, authority.ca, dead, server.order, env=env)
        scene.allow(EDGE)
        for name in ALARMS:
            scene.add_alarm(name)
        for _ in sync(Glue(client("glue"), store.url, "telemetry_db"), store):
            pass
        scene.decoding.set()
        stack.enter_context(_decoder(scene, queue))
        env["AWS_ENDPOINT_URL_LAMBDA"] = stack.enter_context(_functions(scene))
        settings = {
            "TELEMETRY_LAKE": store.url,
            "AWS_ENDPOINT_URL": server.endpoint,
            "TELEMETRY_AUTH_ISSUER": issuer.url,
            "TELEMETRY_AUTH_AUDIENCE": AUDIENCE,
        }
        app = open_app(Settings.from_env(settings), host=None, credentials="chain")
        api = str(stack.enter_context(running(app)).base_url).rstrip("/")
        _outputs(client, api, stack.enter_context(_site(scene)), queue, dead)
        yield scene


def _lake(client: Callable[[str], Any]) -> tuple[str, str]:
    """The bucket, its queue and the workgroup; the queue's URL and that of its dead letters."""
    client("s3").create_bucket(Bucket=BUCKET)
    sqs = client("sqs")
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("landed", "dead"))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told = {
        "QueueArn": arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "raw/"}]}},
    }
    client("s3").put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [told]}
    )
    client("athena").create_work_group(
        Name=NAME, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"}}
    )
    iot_policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    client("iot").create_policy(policyName=f"{NAME}-edge", policyDocument=iot_policy)
    return queue, dead


def _outputs(client: Callable[[str], Any], api: str, site: str, queue: str, dead: str) -> None:
    """Stacks that say what ours say."""
    said = {
        "lake": {
            "DataBucket": BUCKET,
            "QueueUrl": queue,
            "DeadLetterQueueUrl": dead,
            "AthenaWorkgroup": NAME,
        },
        "decode": {"DecoderFunction": f"{NAME}-decoder"},
        "site": {"CloudFrontDomain": site.removeprefix("http://"), "SiteBucket": "site"},
        "query": {
            "ApiUrl": api,
            "DashboardUrl": site,
            "CognitoUserPoolId": "us-east-1_x",
            "CognitoClientId": "telemetry-client",
        },
        "observe": {"EdgeRoleAlias": ALIAS, "EdgePolicy": f"{NAME}-edge"},
    }
    for stack, values in said.items():
        template = {
            "Resources": {"Something": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in values.items()},
        }
        client("cloudformation").create_stack(StackName=f"{NAME}-{stack}", TemplateBody=json.dumps(template))


def _close_doors(endpoint: str) -> None:
    """From here on everything needs a policy."""
    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=60).close()


class _KnowsCertificates(CredentialServer):
    """Knows whoever has a certificate of moto's, as AWS IoT knows whom it gave one."""

    def __init__(
        self, authority: Authority, client: Callable[[str], Any], give: Callable[[], dict[str, Any]]
    ) -> None:
        super().__init__(authority, give)
        self._client = client
        self.context = self.socket.context  # type: ignore[attr-defined]
        self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    def get_request(self) -> Any:
        iot = self._client("iot")
        for found in iot.list_certificates()["certificates"]:
            described = iot.describe_certificate(certificateId=found["certificateId"])
            self.context.load_verify_locations(cadata=described["certificateDescription"]["certificatePem"])
        return super().get_request()


@contextmanager
def _credentials(
    authority: Authority, client: Callable[[str], Any], edge: Mapping[str, str]
) -> Iterator[str]:
    def give() -> dict[str, Any]:
        assert client("iot").list_thing_principals(thingName=VEHICLE)["principals"], "nobody's certificate"
        return given(3600, edge["AccessKeyId"], edge["SecretAccessKey"], edge["SessionToken"])

    server = _KnowsCertificates(authority, client, give)
    with _serving(server):
        yield server.endpoint


@contextmanager
def _decoder(scene: Scene, queue: str) -> Iterator[None]:
    """The decoder's function with its event source mapping, in a thread."""
    ends = threading.Event()
    settings = Settings.from_env({"TELEMETRY_LAKE": scene.store.url, "AWS_ENDPOINT_URL": _endpoint(scene)})
    worker = lambda_handler.Worker(settings)

    def work() -> None:
        sqs = boto3.session.Session().client("sqs", endpoint_url=_endpoint(scene))
        while not ends.is_set():
            scene.decoding.wait(0.2)
            if not scene.decoding.is_set():
                continue
            for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
                worker.run(read_event(sqs_event(**{message["MessageId"]: message["Body"]})), None)
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def _endpoint(scene: Scene) -> str:
    return str(scene.client("s3").meta.endpoint_url)


@contextmanager
def _functions(scene: Scene) -> Iterator[str]:
    """The catalogue's function behind Lambda's Invoke."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == f"/2015-03-31/functions/{NAME}-catalog/invocations", self.path
            if scene.catalog_error is None:
                for _ in sync(Glue(scene.client("glue"), scene.store.url, "telemetry_db"), scene.store):
                    pass
            body = json.dumps({"errorMessage": scene.catalog_error} if scene.catalog_error else {}).encode()
            self.send_response(200)
            if scene.catalog_error:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with _serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def _site(scene: Scene) -> Iterator[str]:
    """The dashboard's page as CloudFront would send it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = json.dumps({"client_id": "telemetry-client"})
            body = (where if self.path == "/auth-config" else "<!doctype html><title>x</title>").encode()
            self.send_response(200)
            for name, value in {**scene.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with _serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
