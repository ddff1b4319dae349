"""A bucket that keeps versions, as the stacks make it, on moto."""

from tests.moto_server import Aws

BUCKET = "versioned"


def make_versioned(aws: Aws) -> None:
    """Make it."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    aws.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
