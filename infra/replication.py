"""A copy elsewhere of what cannot be made again: raw frames, archived at once, and the databases they are decoded with."""

from collections.abc import Mapping
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


def replicate(
    bucket: s3.Bucket, target: str, *, role_name: str, key: kms.IKey | None, key_there: str | None
) -> None:
    """Have S3 copy a bucket's prefixes; what is deleted here stays there.

    S3 leaves out what is encrypted with a key of one's own unless it is told of one for the copies.

    Args:
        bucket: The lake's bucket.
        target: The ARN of a versioned bucket in another region.
        role_name: The name of the role that S3 takes for it.
        key: The key that the lake is encrypted with, if it has one of its own.
        key_there: The ARN of the key that its copies are encrypted with then, in the region of the other bucket.
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
    if key and key_there:
        region = key_there.split(":")[3]
        statements += [
            _allow("kms:Decrypt", on=[key.key_arn], only=through_s3(stack.region, [bucket.bucket_arn])),
            _allow("kms:Encrypt", "kms:GenerateDataKey", on=[key_there], only=through_s3(region, [target])),
        ]
    # a policy of its own: the bucket names the role, and the policy the bucket
    policy = iam.Policy(stack, "MayReplicate", roles=[role], statements=statements)
    own = stack.get_logical_id(bucket.node.default_child)
    for prefix in PREFIXES:
        acknowledge_wildcard(policy, f"Resource::<{own}.Arn>/{prefix}*", _REASON)
        acknowledge_wildcard(policy, f"Resource::{target}/{prefix}*", _REASON)
    rules = [_rule(number, prefix, target, key_there) for number, prefix in enumerate(PREFIXES, 1)]
    bucket.node.default_child.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
        role=role.role_arn, rules=rules
    )


def _allow(
    *actions: str, on: list[str], only: Mapping[str, Mapping[str, object]] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=on, conditions=only)


def _rule(
    number: int, prefix: str, target: str, key_there: str | None
) -> s3.CfnBucket.ReplicationRuleProperty:
    selected = encrypted = None
    if key_there:
        selected = s3.CfnBucket.SourceSelectionCriteriaProperty(
            sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(status="Enabled")
        )
        encrypted = s3.CfnBucket.EncryptionConfigurationProperty(replica_kms_key_id=key_there)
    archived = "DEEP_ARCHIVE" if prefix.startswith(layout.RAW) else "STANDARD"
    return s3.CfnBucket.ReplicationRuleProperty(
        id=f"copy-{prefix.rstrip('/')}",
        status="Enabled",
        priority=number,
        filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=prefix),
        delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
        source_selection_criteria=selected,
        destination=s3.CfnBucket.ReplicationDestinationProperty(
            bucket=target, storage_class=archived, encryption_configuration=encrypted
        ),
    )
