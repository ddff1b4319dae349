"""A server that speaks as much of S3 as an agent needs, and misbehaves in every way that a network knows."""

import datetime as dt
import hashlib
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

REFUSALS = {
    "RequestTimeout": 400,
    "ExpiredToken": 400,
    "AccessDenied": 403,
    "RequestTimeTooSkewed": 403,
    "NoSuchBucket": 404,
    "InternalError": 500,
    "SlowDown": 503,
}


class Bucket(ThreadingHTTPServer):
    """What lies in it, what was asked of it, and what is wrong with it.

    Attributes:
        objects: Bodies by path.
        puts: How often something was put, whatever became of it.
        fault: Nothing; the code of a refusal; `cut` ends the connection before the object is stored; `lost` ends it
            after that; `silent` never answers; `slow` answers late; `unreadable` answers what is no HTTP.
        times: How many requests the fault is for; None: all of them.
        is_write_only: Whether reading is denied.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.objects: dict[str, bytes] = {}
        self.puts = 0
        self.gets = 0
        self.fault = ""
        self.times: int | None = None
        self.is_write_only = False
        self.ended = threading.Event()
        self.tls: ssl.SSLContext | None = None

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_port}"

    def get_request(self) -> tuple[Any, Any]:
        """A connection, with what encrypts it now."""
        connection, address = super().get_request()
        if self.tls:
            connection.settimeout(10)
            connection = self.tls.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, *_: object) -> None:
        """Somebody went away, which is what is tested."""

    def fault_now(self) -> str:
        """What is wrong with the next answer."""
        if self.times is None:
            return self.fault
        self.times -= 1
        return self.fault if self.times >= 0 else ""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 08:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code: str) -> None:
        self.answer(REFUSALS[code], f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        bucket = self.server
        bucket.puts += 1
        fault = bucket.fault_now()
        if fault == "silent":
            bucket.ended.wait(60)
        elif fault == "slow":
            time.sleep(0.3)
        if fault in REFUSALS:
            self.refuse(fault)
        elif fault in ("silent", "cut", "unreadable"):
            if fault == "unreadable":
                self.wfile.write(b"Welcome to the hotel's network!\r\n\r\n")
            self.close_connection = True
        elif self.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            self.refuse("RequestTimeout")  # what it says is not what has arrived
        elif self.path in bucket.objects and self.headers["If-None-Match"] == "*":
            self.answer(412)
        else:
            bucket.objects[self.path] = body
            self.close_connection = fault == "lost"
            if fault != "lost":
                self.answer(200)

    def do_GET(self) -> None:
        self.server.gets += 1
        if self.server.is_write_only:
            return self.refuse("AccessDenied")
        found = self.server.objects.get(self.path)
        return self.answer(404) if found is None else self.answer(200, found)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def bucket_running() -> Iterator[Bucket]:
    """Start one; it ends with the block."""
    server = Bucket()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()


def certificate_of(folder: Path, *, days: int = 1) -> ssl.SSLContext:
    """What a server on this machine needs for TLS: a certificate that only itself vouches for, `folder`/cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
