"""What Athena says when it does not answer, as errors of ours: permanent ones need a person, transient ones time."""

import re
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
)

from telemetry_pipeline.errors import BadSetting, PermanentError, TelemetryError, TooLarge, TransientError

_USER: Final = 2
"""The category of Athena's errors that are ours; 1 are Athena's own, 3 any other."""

_POLICY: Final = "Check the policy of the role: Athena, Glue, and the buckets of the lake and of the results"
_SYNC: Final = "Run: telemetry catalog sync"
_SHORTER: Final = "Ask for a shorter range, fewer signals or fewer points"

_KINDS: Final = (
    # what a reason holds, in the order in which it is looked for
    (r"bytes scanned limit|exceeded_(local_)?memory|exceeded_time|exhausted resources", TooLarge, _SHORTER),
    (r"access ?denied|not authorized|insufficient (lake formation )?permission", PermanentError, _POLICY),
    (
        r"slow ?down|throttl|too ?many ?requests|rate exceeded|internal_?(server)?_?error|internal (server )?error",
        TransientError,
        "",
    ),
    (
        r"(table|schema|database)_not_found|(table|schema|database) \S+ (does not exist|not found)",
        PermanentError,
        _SYNC,
    ),
    (r"hive_partition_schema_mismatch|hive_metastore_error|entitynotfound", PermanentError, _SYNC),
)
_OBJECT: Final = re.compile(r"s3://[^\s\"']+\.parquet")
_OF_AN_OBJECT: Final = re.compile(
    r"hive_(bad_data|cannot_open_split|cursor_error|filesystem_error)", re.IGNORECASE
)

_REFUSED: Final = (
    "AccessDeniedException",
    "AccessDenied",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidRequestException",
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "ValidationException",
)
_REMEDIES: Final = {
    "AccessDeniedException": _POLICY,
    "AccessDenied": _POLICY,
    "InvalidRequestException": "Check TELEMETRY_ATHENA_WORKGROUP and TELEMETRY_ATHENA_OUTPUT",
}


class Unreadable(TransientError):
    """Athena met an object that it cannot read.

    Args:
        what: What it said.
        path: The object's address.
    """

    def __init__(self, what: str, path: str) -> None:
        super().__init__(what, path)
        self.path = path


@dataclass(frozen=True)
class Ending:
    """How a query ended that has no result.

    Attributes:
        state: `FAILED` or `CANCELLED`.
        reason: Why, in Athena's words.
        category: 1 is Athena's fault, 2 the query's, 3 neither; None where it does not say.
        retryable: Whether Athena thinks that it may work the next time.
    """

    state: str
    reason: str
    category: int | None = None
    retryable: bool | None = None

    def error(self, where: str) -> TelemetryError:
        """The error of ours that says so.

        Args:
            where: The query's id.
        """
        said = " ".join(self.reason.split())[:500]
        words = re.sub(r"s3://\S+", "", said)  # a bucket may be called whatever it likes
        for pattern, kind, remedy in _KINDS:
            if re.search(pattern, words, re.IGNORECASE):
                return kind(f"Athena says {said}", where, remedy)
        if self.state == "CANCELLED":
            return TransientError(f"the query was cancelled ({said or 'no reason is given'})", where)
        if _OF_AN_OBJECT.search(said) and (found := _OBJECT.search(said)):
            return Unreadable(f"Athena says {said}", found[0])
        if self.category == _USER and not self.retryable:
            return PermanentError(f"Athena refuses the query ({said})", where)
        if self.category is None and re.match(r"[A-Z_]+: line \d+", said):  # where in the text it is wrong
            return PermanentError(f"Athena refuses the query ({said})", where)
        return TransientError(f"Athena says {said}", where)


def of_client(error: BaseException, where: str) -> TelemetryError:
    """The error of ours for a call that failed before a query had an end.

    Args:
        error: What was raised; what caused it counts, too.
        where: What was asked.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ClientError | BotoCoreError):
        cause = cause.__cause__
    if isinstance(cause, ClientError):
        return _of_answer(cause, where)
    if isinstance(cause, NoCredentialsError | NoRegionError):
        return BadSetting(
            f"Athena cannot be asked ({cause})", where, "Set AWS_PROFILE, or run where a role is attached"
        )
    return TransientError(f"Athena does not answer ({str(cause or error).partition(chr(10))[0]})", where)


def _of_answer(error: Any, where: str) -> TelemetryError:  # noqa: ANN401  botocore has no types
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = f"AWS says {error.response.get('Error', {}).get('Message') or code}"
    if code in _REFUSED:
        return PermanentError(said, where, _REMEDIES.get(code, ""))
    return TransientError(said, where)
