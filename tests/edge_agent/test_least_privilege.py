"""The documented policy is enough and no more: moto enforces it, for the temporary credentials of a role.

AWS puts the thing's name in the place of `${credentials-iot:ThingName}`; moto does not know that variable, and the test
does it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from edge_agent.check import run_checks
from edge_agent.config import AgentConfig
from edge_agent.credentials import open_lake
from telemetry_pipeline.errors import PermanentError
from tests.edge_agent.credential_server import Authority, credentials_given, given
from tests.moto_server import ENV, moto_running
from tests.servers import wait_until

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "edge.md"
BUCKET, PREFIX = "fleet-lake", "lake"
OWN = f"{PREFIX}/raw/vehicle_id=V/year"
ROLE_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "credentials.iot.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def policy(vehicle):
    (text,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    text = text.replace("BUCKET/PREFIX", f"{BUCKET}/{PREFIX}").replace(
        "${credentials-iot:ThingName}", vehicle
    )
    assert set(json.loads(text)) == {"Version", "Statement"}
    return text


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """moto with its doors closed: from here on everything needs a policy."""
    with moto_running(tmp_path_factory.mktemp("moto")) as aws:
        aws.client("s3").create_bucket(Bucket=BUCKET)
        iam = aws.client("iam")
        role = iam.create_role(RoleName="vehicle-V", AssumeRolePolicyDocument=ROLE_TRUST)["Role"]["Arn"]
        iam.put_role_policy(RoleName="vehicle-V", PolicyName="agent", PolicyDocument=policy("V"))
        # whoever looks after the lake
        iam.create_user(UserName="keeper")
        all_of_it = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        iam.put_user_policy(UserName="keeper", PolicyName="all", PolicyDocument=json.dumps(all_of_it))
        key = iam.create_access_key(UserName="keeper")["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
        keeper = lambda service: session.client(service, endpoint_url=aws.endpoint)  # noqa: E731
        assumed = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="vehicle-V")["Credentials"]
        _close_doors(aws.endpoint)
        yield aws, keeper, assumed


def _close_doors(endpoint):
    import urllib.request

    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=60).close()


@pytest.fixture(scope="module")
def server(aws, tmp_path_factory):
    _, _, assumed = aws
    authority = Authority(tmp_path_factory.mktemp("authority"))

    def give():
        return given(3600, assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])

    with credentials_given(authority, give) as server:
        server.authority = authority
        yield server


@pytest.fixture(scope="module")
def settings(aws, server):
    certificate, key = server.authority.issue("V")
    return {
        "lake": f"s3://{BUCKET}/{PREFIX}",
        "endpoint_url": aws[0].endpoint,
        "region": "us-east-1",
        "iot_endpoint": server.endpoint,
        "iot_role_alias": "can-telemetry-agent",
        "iot_certificate": certificate,
        "iot_key": key,
        "iot_ca": server.authority.ca,
    }


def refused(action, *arguments):
    with pytest.raises(PermanentError, match="refuses access"):
        action(*arguments)


def test_a_vehicle_may_write_its_own_folder_and_read_its_own_settings_and_nothing_else(
    aws, settings, tmp_path
):
    _, keeper, _ = aws
    config = AgentConfig(vehicle_id="V", spool=tmp_path, **settings)
    store = open_lake(config, 30.0)
    for name in ("agents/vehicle_id=V/agent.yaml", "agents/vehicle_id=W/agent.yaml", "dbc/fleet.dbc"):
        keeper("s3").put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=b"x")
    store.put("raw/vehicle_id=V/x_raw.parquet", b"1", create_only=True)
    assert store.get("agents/vehicle_id=V/agent.yaml") == b"x"
    for key in (
        "raw/vehicle_id=W/x_raw.parquet",
        "raw/vehicle_id=VV/x_raw.parquet",
        "decoded/vehicle_id=V/x_decoded.parquet",
        "dbc/fleet.dbc",
        "agents/vehicle_id=V/agent.yaml",
    ):
        refused(store.put, key, b"1")
    for key in ("raw/vehicle_id=V/x_raw.parquet", "agents/vehicle_id=W/agent.yaml", "dbc/fleet.dbc"):
        refused(store.get, key)
    refused(store.delete, "raw/vehicle_id=V/x_raw.parquet")
    refused(lambda: list(store.list_objects("raw/vehicle_id=V")))


def test_a_real_agent_delivers_with_nothing_but_its_certificate(aws, settings, server, tmp_path):
    _, keeper, _ = aws
    file = tmp_path / "agent.yaml"
    lines = [f"{name}: {value}" for name, value in settings.items()]
    file.write_text(
        "\n".join(["vehicle_id: V", f"spool: {tmp_path / 'spool'}", "window_seconds: 0.5", *lines])
    )
    command = [sys.executable, "-m", "edge_agent", "--config", file, "--simulate"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    server.broken = 503  # capture goes on without credentials
    process = subprocess.Popen(command, cwd=PROJECT, env=env, stderr=subprocess.PIPE, text=True)
    try:
        spool = tmp_path / "spool"
        wait_until(lambda: len(list(spool.glob("*.parquet"))) >= 2, "windows that wait")
        server.broken = None
        landed = lambda: keeper("s3").list_objects_v2(Bucket=BUCKET, Prefix=OWN)["KeyCount"]  # noqa: E731
        wait_until(landed, "windows that have landed")
        process.terminate()
        _, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, log
    assert "no credentials for the store" in log
    assert landed() == log.count("landed raw/")
    assert {asked[:2] for asked in server.asked} == {("V", "V")}
    check = subprocess.run(
        [*command, "--check"], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=180, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr
    assert ENV["AWS_ACCESS_KEY_ID"] not in check.stdout


def test_the_check_says_whether_metrics_may_be_sent_and_what_to_allow(aws, settings, tmp_path):
    moto, keeper, _ = aws
    metrics = {"cloudwatch_namespace": "CanTelemetry", "cloudwatch_url": moto.endpoint}
    config = AgentConfig(vehicle_id="V", spool=tmp_path / "spool", **metrics, **settings)

    def finding(statements):
        document = json.dumps(json.loads(policy("V")) | {"Statement": statements})
        keeper("iam").put_role_policy(RoleName="vehicle-V", PolicyName="agent", PolicyDocument=document)
        (found,) = [one for one in run_checks(config, simulate=True) if one.name == "cloudwatch"]
        return found

    *others, allowed = json.loads(policy("V"))["Statement"]
    assert allowed["Action"] == "cloudwatch:PutMetricData"
    # moto calls CloudWatch by the name in signatures, and does not know a request's namespace
    as_moto_reads_it = {"Effect": "Allow", "Action": "monitoring:PutMetricData", "Resource": "*"}
    try:
        taken, refused_ = finding([*others, as_moto_reads_it]), finding(others)
    finally:
        keeper("iam").put_role_policy(RoleName="vehicle-V", PolicyName="agent", PolicyDocument=policy("V"))
    assert taken.ok, taken.detail
    (metric,) = keeper("cloudwatch").list_metrics(Namespace="CanTelemetry")["Metrics"]
    assert metric["MetricName"] == "QueueDepth"
    assert not refused_.ok
    assert "403" in refused_.detail
    assert "not authorized" in refused_.detail
    assert "cloudwatch:PutMetricData" in refused_.remedy
    assert "CanTelemetry" in refused_.remedy
