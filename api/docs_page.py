"""The page that shows the API's description: our own, whole in itself, so that it needs no other host.

The page shares the dashboard's origin, and with it the dashboard's token: a script that is not the one we know must
not run there.
"""

import base64
import hashlib
from typing import Final

from fastapi.responses import HTMLResponse

from api.docs_script import SCRIPT, STYLE

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>can-telemetry: the API</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
<main id="ui">
<h1>can-telemetry: the API</h1>
<p>The description itself is <a href="/openapi.json">openapi.json</a>.</p>
</main>
<script>{SCRIPT}</script>
</html>
"""


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_digest(SCRIPT)}",
        f"style-src {_digest(STYLE)}",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def page() -> HTMLResponse:
    """The page, with the policy under which it runs."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
