"""Endpoints about the service itself: who may sign in, its numbers, and the page of its description."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, Field

from api import docs_page, errors, metrics
from api.auth import Access, ThisMachine
from api.metrics import Metrics


class AuthConfig(BaseModel):
    """Where and how a person signs in, with the authorization code and PKCE."""

    required: bool = Field(description="false: nobody signs in, and the rest is null")
    issuer: str | None = None
    client_id: Annotated[str | None, Field(description="the public client to sign in as")] = None
    scopes: Annotated[str | None, Field(description="what to ask for, separated by spaces")] = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    end_session_endpoint: str | None = None


def build(access: Access, numbers: Metrics) -> APIRouter:
    """The endpoints about a service."""
    router = APIRouter(responses=errors.RESPONSES, tags=["service"])

    @router.get("/auth-config")
    async def get_auth_config() -> AuthConfig:
        """What a page needs to sign somebody in."""
        if isinstance(access, ThisMachine):
            return AuthConfig(required=False)
        provider = await access.keys.provider()
        return AuthConfig(
            required=True,
            issuer=provider.issuer,
            client_id=access.client_id,
            scopes=access.scopes,
            authorization_endpoint=provider.authorization_endpoint,
            token_endpoint=provider.token_endpoint,
            end_session_endpoint=provider.end_session_endpoint,
        )

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def get_metrics() -> PlainTextResponse:
        """Numbers about the service itself, for Prometheus."""
        return PlainTextResponse(numbers.render(), media_type=metrics.CONTENT_TYPE)

    @router.get("/docs", include_in_schema=False)
    async def get_docs() -> HTMLResponse:
        return docs_page.page()

    return router
