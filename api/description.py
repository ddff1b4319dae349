"""The API's own description (OpenAPI), completed by what no single endpoint knows: problems, and who may ask."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from fastapi.params import Depends

from api.auth import PUBLIC
from api.models import Problem
from telemetry_pipeline.lake.layout import VEHICLE_ID
from telemetry_pipeline.version import __version__


class DescribedApp(FastAPI):
    """An application that describes itself whole.

    Args:
        signed_in: Whether callers need a token for all that is not public.
        dependencies: What every endpoint depends on.
        lifespan: What surrounds its running.
    """

    def __init__(
        self,
        *,
        signed_in: bool,
        dependencies: Sequence[Depends],
        lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    ) -> None:
        super().__init__(
            title="can-telemetry",
            version=__version__,
            summary="Decoded CAN signals of a fleet, by vehicle, message, signal and time",
            docs_url=None,
            redoc_url=None,
            dependencies=dependencies,
            lifespan=lifespan,
        )
        self._signed_in = signed_in

    def openapi(self) -> dict[str, Any]:
        """The description, made when it is first asked for."""
        if self.openapi_schema is None:
            described = super().openapi()
            components = described.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            _say_what_vehicles_are(described)
            if self._signed_in:
                _say_who_may_ask(described)
        return self.openapi_schema or {}


def _say_who_may_ask(described: dict[str, Any]) -> None:
    described["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    for path, operations in described["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in PUBLIC else [{"token": []}]


def _say_what_vehicles_are(described: dict[str, Any]) -> None:
    for operations in described["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if (parameter["in"], parameter["name"]) == ("path", "vehicle_id"):
                    parameter["schema"]["pattern"] = f"^{VEHICLE_ID}$"
