"""How a bucket is opened: with whose credentials, where, and how patiently. What lies in it is `store`'s business."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, cast

from obstore.store import S3Store

from telemetry_pipeline.errors import BadSetting

CredentialProvider = Callable[[], Mapping[str, Any]]
"""Gives `access_key_id`, `secret_access_key`, `token` (or None) and `expires_at` (an aware datetime, or None)."""

_RETRY: Any = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=10), "base": 2},
}
_ONCE: Any = {**_RETRY, "max_retries": 0}


def has_chain() -> bool:
    """Whether the whole chain of AWS credentials can be asked: boto3 is installed."""
    return find_spec("boto3") is not None


def chain_credentials(where: str) -> CredentialProvider:
    """The credentials that boto3 finds.

    Args:
        where: What they are for, for messages.

    Raises:
        BadSetting: boto3 is not installed, or finds none.
    """
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415  only machines that use S3 carry boto3
    except ImportError as error:
        raise BadSetting("an s3:// lake needs boto3", where, "pip install 'can-telemetry[aws]'") from error
    try:
        return cast("CredentialProvider", Boto3CredentialProvider())
    except ValueError as error:
        raise BadSetting(
            "no AWS credentials found",
            where,
            "Set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached",
        ) from error


def open_bucket(
    bucket: str,
    prefix: str,
    credentials: CredentialProvider | None,
    *,
    endpoint_url: str | None = None,
    region: str | None = None,
    timeout_s: float | None = None,
) -> S3Store:
    """The objects of a bucket below a prefix.

    Args:
        bucket: Its name.
        prefix: Without slashes at its ends; may be empty.
        credentials: Asked for them; None leaves it to the environment's variables.
        endpoint_url: A server that stands in for AWS.
        region: Where the bucket is.
        timeout_s: Seconds that a request may take, which is then not tried again.
    """
    client: dict[str, Any] = {}
    options: dict[str, Any] = {"client_options": client}
    if endpoint_url:
        options["endpoint"] = endpoint_url
        options["virtual_hosted_style_request"] = False
        client["allow_http"] = endpoint_url.startswith("http://")
    if timeout_s is not None:
        client["timeout"] = client["connect_timeout"] = timedelta(seconds=timeout_s)
    if credentials is not None:
        options["credential_provider"] = credentials
    if region:
        options["region"] = region
    elif credentials is not None and "region" not in getattr(credentials, "config", {}):
        options["region"] = "us-east-1"
    retry = _RETRY if timeout_s is None else _ONCE
    return S3Store(bucket, prefix=prefix or None, retry_config=retry, **options)
