"""A bucket as every one of ours is made: private, encrypted, versioned, reached by TLS alone, kept when a stack goes."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


def make_bucket(
    scope: Construct,
    name: str,
    *,
    access_logs: s3.IBucket | None,
    key: kms.IKey | None = None,
    rules: Sequence[s3.LifecycleRule] = (),
    kept_versions_days: int = 90,
) -> s3.Bucket:
    """Make one.

    Args:
        scope: The stack.
        name: Its name in the stack; AWS gives it a name of its own.
        access_logs: The bucket that keeps who asked for what; None for that bucket itself.
        key: A key instead of S3's own.
        rules: When objects move or go.
        kept_versions_days: How long what was written over or deleted can be had back.
    """
    always = s3.LifecycleRule(
        id="tidy",
        abort_incomplete_multipart_upload_after=Duration.days(7),
        noncurrent_version_expiration=Duration.days(kept_versions_days),
        expired_object_delete_marker=True,
    )
    return s3.Bucket(
        scope,
        name,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        bucket_key_enabled=True if key else None,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        removal_policy=RemovalPolicy.RETAIN,
        server_access_logs_bucket=access_logs,
        server_access_logs_prefix=f"{name.lower()}/" if access_logs else None,
        lifecycle_rules=[always, *rules],
        # said, and not left to S3's default, which was another one before: `archive` and docs/cost.md count on it
        transition_default_minimum_object_size=s3.TransitionDefaultMinimumObjectSize.ALL_STORAGE_CLASSES_128_K,
    )


def refuse_all_but(bucket: s3.Bucket, principals: Sequence[str]) -> None:
    """Let nobody else read, write or delete objects, whatever policies of their own say.

    Args:
        bucket: The bucket.
        principals: ARNs of roles and people, with `*` if need be.
    """
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            sid="OnlyThose",
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*"],
            resources=[bucket.arn_for_objects("*")],
            conditions={
                "ArnNotLike": {"aws:PrincipalArn": list(principals)},
                # S3 itself replicates and moves objects, by roles that only it takes
                "Bool": {"aws:PrincipalIsAWSService": "false"},
            },
        )
    )
