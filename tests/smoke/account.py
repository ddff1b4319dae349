"""An account on moto with its doors closed: people, the lake's bucket with its queues, and what stacks say of all that."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3

from infra.permissions import Need

NAME, VEHICLE, BUCKET = "can-telemetry", "SMOKE", "smoke-lake"
ALIAS = "can-telemetry-agent"
CLIENT_ID = "telemetry-client"
ALARMS = (
    *("critical-LambdaErrorRate", "critical-Api5XXErrorRate", "critical-BucketSize", "warning-DeadLetters"),
    *("warning-DecoderDuration", "warning-AthenaBytesScanned", "warning-EdgeUploadFailures"),
)
_ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class People:
    """Who there is: the environment of an administrator, and the keys of the vehicles' role."""

    env: dict[str, str]
    edge: dict[str, str]


def invite(endpoint: str, iot_endpoint: str) -> People:
    """Make an administrator and the vehicles' role; needs the doors open."""
    first = boto3.session.Session("testing", "testing-secret", region_name="us-east-1")
    iam = first.client("iam", endpoint_url=endpoint)
    iam.create_user(UserName="keeper")
    iam.put_user_policy(UserName="keeper", PolicyName="all", PolicyDocument=json.dumps(_ANYTHING))
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    role = iam.create_role(RoleName="edge", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    sts = first.client("sts", endpoint_url=endpoint)
    edge = sts.assume_role(RoleArn=role, RoleSessionName="vehicle")["Credentials"]
    env = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_IOT": iot_endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return People(env, edge)


def close_doors(endpoint: str) -> None:
    """From here on everything needs a policy."""
    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=60).close()


def make_lake(client: Callable[[str], Any]) -> tuple[str, str]:
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


def say_outputs(client: Callable[[str], Any], api: str, site: str, queue: str, dead: str) -> None:
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
            "CognitoClientId": CLIENT_ID,
        },
        "observe": {"EdgeRoleAlias": ALIAS, "EdgePolicy": f"{NAME}-edge"},
    }
    for stack, values in said.items():
        template = {
            "Resources": {"Something": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in values.items()},
        }
        client("cloudformation").create_stack(StackName=f"{NAME}-{stack}", TemplateBody=json.dumps(template))


def policy_of(needs: tuple[Need, ...]) -> dict[str, Any]:
    """Rows as a stack makes a policy of them; moto does not know the variable of the thing's name."""
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
    return {"Version": "2012-10-17", "Statement": statements}
