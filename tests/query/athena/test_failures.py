"""Every way in which Athena does not answer is permanent or transient, and says what to do."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from telemetry_pipeline.errors import BadSetting, PermanentError, TooLarge, TransientError
from telemetry_pipeline.query.athena.failures import Ending, Unreadable, of_client

PATH = "s3://b/lake/decoded/vehicle_id=V/year=2026/month=12/day=31/a_decoded.parquet"


@pytest.mark.parametrize(
    ("ending", "kind", "word"),
    [
        (Ending("FAILED", "GENERIC_INTERNAL_ERROR: oops", 1, True), TransientError, "oops"),
        (Ending("FAILED", "Please reduce your request rate. SlowDown", 3), TransientError, "SlowDown"),
        (Ending("FAILED", "SYNTAX_ERROR: line 1:8: no", 2, False), PermanentError, "refuses"),
        (Ending("FAILED", "TYPE_MISMATCH: line 3:1: no"), PermanentError, "refuses"),
        (Ending("FAILED", "TABLE_NOT_FOUND: line 1:1: Table x does not exist", 2), PermanentError, "sync"),
        (Ending("FAILED", "SCHEMA_NOT_FOUND: line 1:1: Schema y does not exist", 2), PermanentError, "sync"),
        (Ending("FAILED", "HIVE_PARTITION_SCHEMA_MISMATCH: …", 2), PermanentError, "sync"),
        (Ending("FAILED", "Access Denied (Service: Amazon S3)", 2), PermanentError, "policy"),
        (Ending("FAILED", "Insufficient Lake Formation permission(s)", 2), PermanentError, "policy"),
        (Ending("FAILED", "EXCEEDED_LOCAL_MEMORY_LIMIT: 1 GB", 3), TooLarge, "shorter range"),
        (Ending("FAILED", "Query exhausted resources at this scale factor", 2), TooLarge, "shorter range"),
        (Ending("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded"), TooLarge, "shorter"),
        (Ending("CANCELLED", "Query cancelled by user"), TransientError, "cancelled"),
        (Ending("CANCELLED", ""), TransientError, "no reason"),
        (Ending("FAILED", f"HIVE_CURSOR_ERROR: Failed to read Parquet file: {PATH}", 3), Unreadable, PATH),
        (
            Ending("FAILED", f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {PATH} (offset=0", 3),
            Unreadable,
            PATH,
        ),
        (Ending("FAILED", f"HIVE_BAD_DATA: Not valid Parquet file: {PATH}", 2), Unreadable, PATH),
        (Ending("FAILED", "HIVE_BAD_DATA: s3://internal-error-throttled/x.parquet"), Unreadable, "throttled"),
        (Ending("FAILED", "HIVE_BAD_DATA: whatever", 3), TransientError, "whatever"),
        (Ending("FAILED", "what nobody has seen"), TransientError, "nobody"),
    ],
)
def test_the_end_of_a_query(ending: Ending, kind: type[Exception], word: str) -> None:
    error = ending.error("query 1")
    assert type(error) is kind
    assert word in str(error)


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        ("TooManyRequestsException", TransientError, "Rate"),
        ("ThrottlingException", TransientError, "Rate"),
        ("InternalServerException", TransientError, "Rate"),
        ("AccessDeniedException", PermanentError, "policy"),
        ("InvalidRequestException", PermanentError, "TELEMETRY_ATHENA_WORKGROUP"),
        ("UnrecognizedClientException", PermanentError, "Rate"),
    ],
)
def test_a_call_that_is_refused(code: str, kind: type[Exception], word: str) -> None:
    cause = ClientError({"Error": {"Code": code, "Message": "Rate"}}, "StartQueryExecution")
    wrapped = RuntimeError("as the cursor wraps it")
    wrapped.__cause__ = cause
    error = of_client(wrapped, "Athena")
    assert type(error) is kind
    assert word in str(error)


def test_a_call_that_does_not_arrive() -> None:
    assert isinstance(of_client(EndpointConnectionError(endpoint_url="x"), "Athena"), TransientError)
    assert isinstance(of_client(NoCredentialsError(), "Athena"), BadSetting)
    assert isinstance(of_client(ValueError("a result that cannot be read"), "Athena"), TransientError)
