"""A copy elsewhere of what cannot be made again: raw frames, archived at once, and the databases they are decoded with."""

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from infra.roles import acknowledge_wildcard, for_this_account, through_s3
from telemetry_pipeline.lake import layout

PREFIXES: Final = (f"{layout.RAW}/", layout.DBC)
"""Everything else is made from these."""

_REASON: Final = (
    "S3 copies objects that are not there yet when the role is made: each prefix, and nothing else"
)


def replicate(bucket: s3.Bucket, target: str, *, role_name: str, key: kms.IKey | None) -> None:
    """Have S3 copy a bucket's prefixes; what is deleted here stays there.

    Args:
        bucket: The lake's bucket.
        target: The ARN of a versioned bucket in another region.
        role_name: The name of the role that S3 takes for it.
        key: The key that the lake is encrypted with, if it has one of its own.
    """
    stack = Stack.of(bucket)
    role = iam.Role(
        stack,
        "Replication",
        role_name=role_name,
        assumed_by=for_this_account(stack, "s3.amazonaws.com"),
    )
    here = [bucket.arn_for_objects(f"{prefix}*") for prefix in PREFIXES]
    there = [f"{target}/{prefix}*" for prefix in PREFIXES]
    statements = [
        _allow("s3:GetReplicationConfiguration", "s3:ListBucket", on=[bucket.bucket_arn]),
        _allow(
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionTagging",
            on=here,
        ),
        _allow("s3:ReplicateObject", "s3:ReplicateTags", on=there),
    ]
    if key:
        only = through_s3(stack.region, [bucket.bucket_arn])
        statements.append(
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.key_arn], conditions=only)
        )
    # a policy of its own: the bucket names the role, and the policy the bucket
    policy = iam.Policy(stack, "MayReplicate", roles=[role], statements=statements)
    own = stack.get_logical_id(bucket.node.default_child)
    for prefix in PREFIXES:
        acknowledge_wildcard(policy, f"Resource::<{own}.Arn>/{prefix}*", _REASON)
        acknowledge_wildcard(policy, f"Resource::{target}/{prefix}*", _REASON)
    bucket.node.default_child.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
        role=role.role_arn, rules=[_rule(number, prefix, target) for number, prefix in enumerate(PREFIXES, 1)]
    )


def _allow(*actions: str, on: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=on)


def _rule(number: int, prefix: str, target: str) -> s3.CfnBucket.ReplicationRuleProperty:
    archived = "DEEP_ARCHIVE" if prefix.startswith(layout.RAW) else "STANDARD"
    return s3.CfnBucket.ReplicationRuleProperty(
        id=f"copy-{prefix.rstrip('/')}",
        status="Enabled",
        priority=number,
        filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=prefix),
        delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
        destination=s3.CfnBucket.ReplicationDestinationProperty(bucket=target, storage_class=archived),
    )
