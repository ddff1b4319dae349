"""AWS as a deployment's check asks it: with the credentials of the shell, in its region. The only file that knows boto3."""

from typing import Any, Final

from telemetry_pipeline.errors import BadSetting

LONGEST_S: Final = 930.0
"""A function of AWS runs for 15 minutes at most; and half a minute for it to start and to answer."""


class Aws:
    """Clients, made once each.

    Args:
        longest_s: How long a function is waited for.

    Raises:
        BadSetting: boto3 is missing, or no region is set.
    """

    def __init__(self, *, longest_s: float = LONGEST_S) -> None:
        try:
            import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  only machines that use AWS carry it
        except ImportError as error:
            raise BadSetting(
                "a deployment is asked with boto3", "smoke", "pip install 'can-telemetry[aws]'"
            ) from error
        self._session = boto3.session.Session()
        if not self._session.region_name:
            raise BadSetting("no region is set", "AWS_DEFAULT_REGION", "Set the region of the deployment")
        self._clients: dict[str, Any] = {}
        self._longest_s = longest_s

    @property
    def region(self) -> str:
        """Where the deployment is."""
        return str(self._session.region_name)

    def client(self, service: str) -> Any:  # noqa: ANN401  boto3 makes its clients' classes at run time
        """The client of a service."""
        return self._client(service, tries=4, read_timeout=60.0)

    def functions(self) -> Any:  # noqa: ANN401  as above
        """The client of functions: it waits as long as one may run, and never has one run again."""
        return self._client("lambda", tries=1, read_timeout=self._longest_s)

    def _client(self, service: str, *, tries: int, read_timeout: float) -> Any:  # noqa: ANN401  as above
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415  see above

        if service not in self._clients:
            config = Config(
                retries={"mode": "standard", "total_max_attempts": tries},
                connect_timeout=10,
                read_timeout=read_timeout,
                # a way out forgets who has said nothing for minutes
                tcp_keepalive=True,
            )
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]


def faults() -> tuple[type[Exception], ...]:
    """What boto3 raises when AWS refuses or does not answer."""
    from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415  see above
        BotoCoreError,
        ClientError,
    )

    return (BotoCoreError, ClientError)
