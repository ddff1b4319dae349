"""The page that shows the API's description: Swagger UI, exactly the release whose digests are below.

The page shares the dashboard's origin, and with it the dashboard's token: a script that is not the one we know must
not run there, wherever it is fetched from.
"""

import base64
import hashlib
from typing import Final

from fastapi.responses import HTMLResponse

_FROM: Final = "https://cdn.jsdelivr.net"
_RELEASE: Final = f"{_FROM}/npm/swagger-ui-dist@5.35.0"
_SCRIPT: Final = "sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9"
_STYLE: Final = "sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I"

_START: Final = """
window.onload = () => {
  if (!window.SwaggerUIBundle) return;
  document.getElementById("ui").replaceChildren();
  SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null});
};
"""

_PAGE: Final = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>can-telemetry: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{_RELEASE}/swagger-ui.css" integrity="{_STYLE}" crossorigin="anonymous">
<div id="ui">
<h1>can-telemetry: the API</h1>
<p>Swagger UI shows the endpoints here; it comes from the web and could not be loaded yet.
The description itself is <a href="/openapi.json">openapi.json</a>.</p>
</div>
<script src="{_RELEASE}/swagger-ui-bundle.js" integrity="{_SCRIPT}" crossorigin="anonymous"></script>
<script>{_START}</script>
</html>
"""

_INLINE: Final = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"script-src '{_SCRIPT}' 'sha256-{_INLINE}' {_FROM}",
        f"style-src {_FROM} 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def page() -> HTMLResponse:
    """The page, with the policy under which it runs."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
