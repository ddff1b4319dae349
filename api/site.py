"""The built dashboard, on the service's own port. API routes come first; this answers whatever is left."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException

_API: Final = frozenset({"auth-config", "docs", "fleet", "health", "metrics", "openapi.json", "vehicles"})
_PAGES: Final = frozenset({"fleet"})
"""Pages of the dashboard whose addresses begin as those of endpoints do."""

_NOT_BUILT: Final = """<!doctype html><meta charset="utf-8"><title>can-telemetry</title>
<body>
<h1>The dashboard is not built yet</h1>
<p>Build it with <code>npm ci &amp;&amp; npm run build</code> in the folder <code>dashboard</code>,
then reload this page.</p>
<p>The service itself runs: <a href="/docs">its documentation</a>, <a href="/vehicles">the vehicles</a>.</p>
"""


def build(folder: Path) -> APIRouter:
    """Serve the single-page application in `folder`.

    Files under `assets/` have names that change with their content and may be kept for ever; the rest is asked
    for each time. Any other path that a browser opens gets the application itself, which knows its own pages.
    """
    router = APIRouter(include_in_schema=False)

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    def get_file(path: str, request: Request) -> Response:
        index = folder / "index.html"
        if path.split("/", 1)[0] in _API and path not in _PAGES:
            raise HTTPException(404, f"there is nothing at /{path}")
        file = (folder / path).resolve()
        if path and file.is_relative_to(folder.resolve()) and file.is_file():
            kept = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(file, headers={"Cache-Control": kept})
        if path and "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404, f"there is nothing at /{path}")
        if not index.is_file():
            return HTMLResponse(_NOT_BUILT, headers={"Cache-Control": "no-store"})
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    return router
