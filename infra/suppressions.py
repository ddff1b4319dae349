"""The rules of AWS Solutions that do not hold here, each with its reason and for the constructs that it is about.

Wildcards of roles are acknowledged where they are granted (`roles`), one by one.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.roles import acknowledge_wildcard, shown_arn


class Held(NamedTuple):
    """One rule that does not hold at one place."""

    rule: str
    place: str
    reason: str


_UPLOADER: Final = "Custom::CDKBucketDeployment8693BB64968944B69AAFB0CC9EB8756C"
_UPLOADER_MAY: Final = (
    *("Action::s3:GetBucket*", "Action::s3:GetObject*", "Action::s3:List*", "Action::s3:Abort*"),
    *("Action::s3:DeleteObject*", "Resource::*"),
    "Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*",
)
_BASIC: Final = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_UPLOADS: Final = (
    "The library's own function that copies the dashboard into its bucket: it may write that bucket alone, read the "
    "CDK's bucket of packages, and tell CloudFront that files are new, which knows no resource"
)

EXCEPTIONS: Final = (
    Held("S1", "AccessLogs", "It is the bucket that keeps the access logs: its own would never end"),
    Held("SQS3", "Landing/DeadLetters", "It is the queue of dead letters"),
    Held("SQS3", "FailedHours", "It is a queue of dead letters itself: of hours, not of objects"),
    Held(
        "L1",
        "Decoder/Function",
        "The package holds compiled wheels for Python 3.12, which every test runs on, too",
    ),
    Held("L1", _UPLOADER, "The library chooses its own function's runtime"),
    Held(
        "APIG4",
        "Health",
        "It says whether the service runs, nothing about a vehicle, and who watches has no token",
    ),
    Held(
        "COG2",
        "SignIn/Pool",
        "Whether a second factor is demanded is each company's to say; everybody may set one",
    ),
    Held(
        "COG3",
        "SignIn/Pool",
        "Threat protection is a dearer plan of Cognito, priced by user: nobody signs up here by himself",
    ),
    Held("COG8", "SignIn/Pool", "The dearer plan of Cognito is each company's to choose"),
    Held(
        "COG2",
        "Entrance/Pool",
        "Whether a second factor is demanded is each company's to say; everybody may set one",
    ),
    Held("COG8", "Entrance/Pool", "The dearer plan of Cognito is each company's to choose"),
    Held("GL1", "Spark/Job", "Its log holds keys of objects and counts, which AWS encrypts with its own key"),
    Held("GL3", "Spark/Job", "It keeps no bookmarks: what is decoded is said by the lake itself"),
    Held(
        "SMG4",
        "Books/Database/Secret",
        "The address of the database holds the password, too: both change by hand, at one time",
    ),
    Held("SMG4", "Books/Address", "It is made from the database's own secret and changes with it"),
    Held(
        "RDS3",
        "Books/Database",
        "Dagster's books are no data: what is lost of them is made again from the lake by reconciliation",
    ),
    Held(
        "RDS11",
        "Books/Database",
        "The port is reached from one security group alone, which another number would not change",
    ),
    *(
        Held(
            "ECS2",
            f"Room/{name}Task",
            "None of these variables is a secret; the one that is comes from Secrets Manager",
        )
        for name in ("Code", "Daemon", "Webserver")
    ),
    Held(
        "ECS2",
        "Compactor/Task",
        "Where the lake is and which region this is are no secrets, and it is told nothing else",
    ),
    Held(
        "ECS4",
        "Compactor/Cluster",
        "One task a night says itself what it did, and its failures are told: metrics of it would cost more than it",
    ),
    Held("CFR1", "Distribution", "Vehicles and their people are wherever the company is"),
    Held(
        "CFR2",
        "Distribution",
        "The files are public; what answers with data is throttled, asks for a token, and costs a WAF",
    ),
    Held(
        "CFR3",
        "Distribution",
        "Who asks for data is in the API's log, who fetches files in the bucket's access log",
    ),
    Held(
        "CFR4",
        "Distribution",
        "CloudFront's own name comes with its own certificate; TLS 1.2 is set for when one's own name is",
    ),
)


def acknowledge(stacks: Sequence[Stack]) -> None:
    """Put the rules aside, each for its construct."""
    for stack in stacks:
        for item in EXCEPTIONS:
            if found := _find(stack, item.place):
                rule = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{item.rule}", reason=item.reason)
                Validations.of(found).acknowledge(rule)


def acknowledge_uploader(query: Stack, site: s3.Bucket) -> None:
    """Put aside what the library's own function may, which nobody can make narrower."""
    if (uploader := query.node.try_find_child(_UPLOADER)) is None:
        return
    for finding in (*_UPLOADER_MAY, f"Resource::{shown_arn(site)}/*"):
        acknowledge_wildcard(uploader, finding, _UPLOADS)
    acknowledge_wildcard(uploader, _BASIC, _UPLOADS, rule="IAM4")


def _find(stack: Stack, place: str) -> Construct | None:
    found: Construct = stack
    for name in place.split("/"):
        found = found.node.try_find_child(name)
        if found is None:
            return None
    return found
