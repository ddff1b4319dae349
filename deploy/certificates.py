"""`certificates.py URL TARGET [SHA256]`: fetches a bundle of certificate authorities while an image is built.

Over HTTPS alone, held to a digest where one is given, and refused unless it holds certificates and nothing else. Needs
nothing but Python.
"""

import hashlib
import re
import ssl
import sys
import tempfile
import urllib.request
from pathlib import Path

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")


def fetch(url: str, digest: str = "") -> bytes:
    """The bundle.

    Args:
        url: Where it is, https.
        digest: Its SHA-256 as hexadecimal text; empty for whatever is there.

    Raises:
        ValueError: It is not what it has to be; the text says why, and what to do.
        OSError: It cannot be had.
    """
    if not url.startswith("https://"):
        raise ValueError(f"{url}: whoever is on the way could change it. Name an https address")
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  https alone, see above
        body: bytes = answer.read()
    found = hashlib.sha256(body).hexdigest()
    if digest and found != digest.lower():
        raise ValueError(
            f"{url}: its SHA-256 is {found}, not {digest}. Look what changed, then set RDS_CA_SHA256"
        )
    if _BLOCK.sub("", body.decode("ascii", "replace")).strip() or not body.strip():
        raise ValueError(f"{url}: it holds something else than certificates (PEM)")
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        try:
            ssl.create_default_context(cafile=file.name)
        except ssl.SSLError as error:
            raise ValueError(f"{url}: its certificates cannot be read ({error})") from error
    return body


def main(url: str, target: str, digest: str = "") -> None:
    """Write the bundle to a file."""
    body = fetch(url, digest)
    Path(target).write_bytes(body)
    count = body.count(b"BEGIN CERTIFICATE")
    sys.stdout.write(f"{target}: {count} certificates, SHA-256 {hashlib.sha256(body).hexdigest()}\n")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(str(error))
