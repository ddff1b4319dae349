"""AWS Signature Version 4 for one kind of request, a form that is posted: what metrics need and boto3 weighs too much for."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"


def sign_form(
    url: str, body: bytes, credentials: Mapping[str, Any], now: dt.datetime, *, service: str, region: str
) -> dict[str, str]:
    """The headers that make a posted form authentic.

    Args:
        url: Where it goes, without a query.
        body: The form.
        credentials: As `CredentialProvider` gives them.
        now: The time, aware; more than some minutes off are refused.
        service: AWS's name of the service.
        region: AWS's name of the region.
    """
    parts = urlsplit(url)
    stamp = now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": FORM, "host": parts.netloc, "x-amz-date": stamp}
    if credentials["token"]:
        headers["x-amz-security-token"] = credentials["token"]
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(["POST", parts.path or "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials['secret_access_key']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    who = f"Credential={credentials['access_key_id']}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": f"AWS4-HMAC-SHA256 {who}"}
