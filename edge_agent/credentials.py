"""Whose credentials the agent shows, and the lake opened with them. How a certificate becomes some is `iot`'s business."""

from typing import Any

from edge_agent.config import AgentConfig
from edge_agent.iot import Identity, IotCredentials
from edge_agent.surroundings import Keys
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.bucket import CredentialProvider, chain_credentials, has_chain
from telemetry_pipeline.lake.store import Store


def find_credentials(config: AgentConfig) -> CredentialProvider:
    """The vehicle's certificate if it has one; else what boto3 finds, or without boto3 what the variables say.

    Raises:
        BadSetting: There are none.
    """
    if config.iot_endpoint and config.iot_role_alias and config.iot_certificate and config.iot_key:
        return IotCredentials(
            Identity(
                config.iot_endpoint,
                config.iot_role_alias,
                config.iot_thing_name or config.vehicle_id,
                config.iot_certificate,
                config.iot_key,
                config.iot_ca,
            )
        )
    if has_chain():
        return chain_credentials(config.lake)
    keys = Keys.read()
    if keys is None:
        raise BadSetting(
            "no AWS credentials found",
            config.lake,
            "Name the vehicle's certificate (iot_endpoint …), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "pip install 'can-telemetry[aws]' for profiles and roles",
        )
    given: dict[str, Any] = {
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
        "token": keys.session_token,
        "expires_at": None,
    }
    return lambda: given


def open_lake(config: AgentConfig, timeout_s: float | None = None) -> Store:
    """The lake, with these credentials if it is a bucket.

    Args:
        config: The settings.
        timeout_s: See `Store.open`.

    Raises:
        BadSetting: The URL is of no known form, or there are no credentials.
    """
    if not config.lake.startswith("s3://"):
        return Store.open(config.lake)
    return Store.open(
        config.lake,
        endpoint_url=config.endpoint_url,
        credentials=find_credentials(config),
        region=config.region,
        timeout_s=timeout_s,
    )
