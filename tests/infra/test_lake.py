"""The lake in AWS: what its buckets refuse and keep, what is announced, and the tables that Glue has."""

from typing import Any

from infra.archive import SMALLEST_BYTES
from telemetry_pipeline.catalog.tables import TABLES
from tests.infra.conftest import Templates

PUBLIC = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

KEY_OF_THE_COPY = "arn:aws:kms:eu-central-1:123456789012:key/0000"


def rules(bucket: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "Id" in rule}


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return policy["PolicyDocument"]["Statement"]


def test_every_bucket_is_private_encrypted_versioned_and_kept(either: Templates) -> None:
    buckets = either.resources("AWS::S3::Bucket")
    assert len(buckets) == (5 if "orchestrate" in either.stacks else 4)
    for name, bucket in buckets.items():
        assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(PUBLIC, True), name
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, name
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"], name
        tidy = rules(bucket)["tidy"]
        assert tidy["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}, name
        assert tidy["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 1, name
        stack, _, logical = name.partition("/")
        kept = either.stacks[stack]["Resources"][logical]
        assert kept["DeletionPolicy"] == kept["UpdateReplacePolicy"] == "Retain", name


def test_every_bucket_takes_tls_alone(either: Templates) -> None:
    policies = either.resources("AWS::S3::BucketPolicy").values()
    assert len(policies) == len(either.resources("AWS::S3::Bucket"))
    for policy in policies:
        refused = [it for it in statements(policy) if it["Effect"] == "Deny"]
        conditions = [it.get("Condition") for it in refused]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_raw_goes_to_glacier_and_results_go(alone: Templates) -> None:
    data = alone.one("AWS::S3::Bucket", "lake", "Data")
    archive = rules(data)["archive-raw"]
    assert archive["Prefix"] == "raw/"
    # small objects stay, by what the bucket says and not by a default: docs/cost.md counts on it
    lifecycle = data["LifecycleConfiguration"]
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    assert SMALLEST_BYTES == 128 * 1024
    assert not any(word in archive for word in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"))
    assert archive["Transitions"] == [{"StorageClass": "GLACIER", "TransitionInDays": 90}]
    assert rules(alone.one("AWS::S3::Bucket", "lake", "Results"))["age"]["ExpirationInDays"] == 30


def test_a_key_of_ones_own(with_dagster: Templates, alone: Templates) -> None:
    key = with_dagster.one("AWS::KMS::Key", "lake")
    assert key["EnableKeyRotation"] is True
    for name in ("Data", "Results"):
        bucket = with_dagster.one("AWS::S3::Bucket", "lake", name)
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BucketKeyEnabled"] is True
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert not alone.resources("AWS::KMS::Key")


def test_nobody_else_touches_the_frames(with_dagster: Templates) -> None:
    policy = with_dagster.one("AWS::S3::BucketPolicy", "lake", "Data")
    (only,) = [it for it in statements(policy) if it.get("Sid") == "OnlyThose"]
    assert only["Effect"] == "Deny"
    assert only["Principal"] == {"AWS": "*"}
    assert set(only["Action"]) == {"s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*"}
    named = str(only["Condition"]["ArnNotLike"]["aws:PrincipalArn"])
    for role in ("decoder", "api", "edge", "control-room", "spark", "replication"):
        assert f":role/fleet-{role}" in named
    assert "analysts-*" in named


def test_a_copy_of_what_cannot_be_made_again(with_dagster: Templates, alone: Templates) -> None:
    copied = with_dagster.one("AWS::S3::Bucket", "lake", "Data")["ReplicationConfiguration"]["Rules"]
    assert [rule["Filter"]["Prefix"] for rule in copied] == ["raw/", "dbc/"]
    assert {rule["Destination"]["Bucket"] for rule in copied} == {"arn:aws:s3:::a-copy"}
    assert {rule["DeleteMarkerReplication"]["Status"] for rule in copied} == {"Disabled"}
    # S3 copies nothing that is encrypted with a key, unless it is told to and what with
    for rule in copied:
        assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
        assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": KEY_OF_THE_COPY}
    may = with_dagster.one("AWS::IAM::Policy", "lake", "MayReplicate")["PolicyDocument"]["Statement"]
    (uses,) = [it for it in may if it["Resource"] == KEY_OF_THE_COPY]
    assert uses["Action"] == ["kms:Encrypt", "kms:GenerateDataKey"]
    assert uses["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::a-copy", "arn:aws:s3:::a-copy/*"]},
    }
    assert "ReplicationConfiguration" not in alone.one("AWS::S3::Bucket", "lake", "Data")


def test_what_lands_is_announced_to_a_queue_with_dead_letters(alone: Templates) -> None:
    bucket = alone.one("AWS::S3::Bucket", "lake", "Data")
    (told,) = bucket["NotificationConfiguration"]["QueueConfigurations"]
    assert told["Event"] == "s3:ObjectCreated:*"
    assert told["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "raw/"}]
    queue = alone.one("AWS::SQS::Queue", "lake", "LandingQueue")
    assert told["Queue"]["Fn::GetAtt"][0].startswith("LandingQueue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("LandingDeadLetters")
    depends = alone.stacks["lake"]["Resources"]
    (data,) = [
        it for name, it in depends.items() if it["Type"] == "AWS::S3::Bucket" and name.startswith("Data")
    ]
    assert any("LandingQueuePolicy" in name for name in data["DependsOn"])


def test_glue_has_the_tables_of_the_lake(alone: Templates) -> None:
    assert alone.one("AWS::Glue::Database")["DatabaseInput"] == {"Name": "telemetry_db"}
    tables = {
        it["TableInput"]["Name"]: it["TableInput"] for it in alone.resources("AWS::Glue::Table").values()
    }
    assert {"raw_can_frames", "decoded_signals", "signal_series", "signal_overview"} <= set(tables)
    assert set(tables) == {table.name for table in TABLES}
    assert not alone.resources("AWS::Glue::Crawler")
    for table in TABLES:
        made = tables[table.name]
        assert [key["Name"] for key in made["PartitionKeys"]] == list(table.keys)
        columns = {column["Name"]: column["Type"] for column in made["StorageDescriptor"]["Columns"]}
        assert not columns.keys() & set(table.keys)
        location = made["StorageDescriptor"]["Location"]["Fn::Join"][1]
        assert location[0] == "s3://"
        assert location[2] == f"/{table.prefix}"
    decoded = {it["Name"]: it["Type"] for it in tables["decoded_signals"]["StorageDescriptor"]["Columns"]}
    assert decoded["timestamp"] == "bigint"


def test_athena_works_within_limits(alone: Templates) -> None:
    group = alone.one("AWS::Athena::WorkGroup")
    settings = group["WorkGroupConfiguration"]
    assert group["RecursiveDeleteOption"] is False
    assert settings["EnforceWorkGroupConfiguration"] is True
    assert settings["BytesScannedCutoffPerQuery"] == 10 * 1024**3
    assert settings["PublishCloudWatchMetricsEnabled"] is True
    assert settings["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert settings["ResultConfiguration"]["OutputLocation"]["Fn::Join"][1][-1] == "/athena/"


def test_the_outputs_have_the_names_that_scripts_ask_for(either: Templates) -> None:
    named = {"ApiUrl", "CloudFrontDomain", "DataBucket", "CognitoUserPoolId", "CognitoClientId"}
    assert named <= either.outputs()
