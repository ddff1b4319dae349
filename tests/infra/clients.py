"""The calls that boto3's clients of this process make, seen where botocore makes them: none is missed, whoever makes it."""

import threading
from typing import Any

import pytest
from botocore.client import BaseClient

Calls = list[tuple[str, dict[str, Any]]]
"""Each call as IAM names its API, and what it is sent with."""


@pytest.fixture
def calls_of_clients(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every call of every client from now on, whatever its thread."""
    seen: Calls = []
    lock, whole = threading.Lock(), BaseClient._make_api_call

    def call(self: Any, operation_name: str, api_params: Any) -> Any:
        with lock:
            seen.append((f"{self.meta.service_model.service_name}:{operation_name}", api_params))
        return whole(self, operation_name, api_params)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return seen
