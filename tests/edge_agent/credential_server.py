"""A stand-in for AWS IoT's credential provider: real TLS that demands the vehicle's certificate."""

import datetime as dt
import ipaddress
import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Given = dict[str, Any]


@dataclass
class Authority:
    """A certificate authority of a test's own, in a folder."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test authority {self.folder.name}")])
        builder = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, None), True)
        self._write(self.ca, builder.sign(self.key, hashes.SHA256()))

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for a name or for this machine's address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = self._builder(subject, key).add_extension(x509.SubjectAlternativeName([address]), False)
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self._write(certificate, builder.sign(self.key, hashes.SHA256()))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class CredentialServer(ThreadingHTTPServer):
    """Answers `GET /role-aliases/{alias}/credentials`.

    Attributes:
        asked: (common name of the certificate, thing name, role alias) of every request.
        broken: A status that every request gets, or None.
    """

    daemon_threads = True

    def __init__(self, authority: Authority, give: Callable[[], Given]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("server"))
        context.load_verify_locations(authority.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.give = give
        self.asked: list[tuple[str, str, str]] = []
        self.broken: int | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Handshakes of strangers fail, which is what is tested; anything else is to be seen."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: CredentialServer

    def do_GET(self) -> None:
        subject = dict(part[0] for part in self.connection.getpeercert()["subject"])  # type: ignore[attr-defined]
        alias = self.path.removeprefix("/role-aliases/").removesuffix("/credentials")
        self.server.asked.append((subject["commonName"], self.headers["x-amzn-iot-thingname"], alias))
        if self.server.broken:
            self._answer(self.server.broken, {"message": "Access Denied"})
        elif alias != "can-telemetry-agent":
            self._answer(404, {"message": "Role alias not found"})
        else:
            self._answer(200, {"credentials": self.server.give()})

    def _answer(self, status: int, body: Given) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Tests are quiet."""


@contextmanager
def credentials_given(authority: Authority, give: Callable[[], Given]) -> Iterator[CredentialServer]:
    """Start a server; end it."""
    server = CredentialServer(authority, give)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def given(seconds: float, access_key: str = "AKIA", secret: str = "secret", token: str = "token") -> Given:
    """Credentials that expire so many seconds from now, as AWS writes them."""
    expiration = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    return {
        "accessKeyId": access_key,
        "secretAccessKey": secret,
        "sessionToken": token,
        "expiration": expiration.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
