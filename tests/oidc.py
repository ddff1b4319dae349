"""An OpenID Connect issuer on loopback: discovery and keys over real HTTP, tokens signed with real keys."""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from telemetry_pipeline.service_settings import ServiceSettings

AUDIENCE = "telemetry-api"


class Issuer:
    """Signs tokens, publishes keys, changes keys, and fails when it is told to.

    Attributes:
        url: Its name.
        asked: How often each path was asked for.
        down: Whether it answers 500 to everything.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.down = False
        self.delay = threading.Event()
        self.delay.set()
        self.keys: dict[str, Any] = {}
        self.extra: list[dict[str, Any]] = []
        self.publish("rsa-1", rsa.generate_private_key(public_exponent=65537, key_size=2048))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/pool"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def publish(self, key_id: str, key: Any) -> None:
        self.keys[key_id] = key

    def publish_ec(self, key_id: str, curve: Any = None) -> None:
        self.publish(key_id, ec.generate_private_key(curve or ec.SECP256R1()))

    def close(self) -> None:
        self.delay.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def settings(self, **changes: Any) -> ServiceSettings:
        return ServiceSettings(**{"issuer": self.url, "audiences": (AUDIENCE,)} | changes)

    def token(
        self,
        *,
        key_id: str = "rsa-1",
        key: Any = None,
        algorithm: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token that is good for five minutes; a claim of None is left out."""
        key = key or self.keys[key_id]
        algorithm = algorithm or ("ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256")
        now = int(time.time())
        all_claims = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300} | claims
        kept = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": key_id} | (header or {}))

    def headers(self, **claims: Any) -> dict[str, str]:
        """What a caller sends who may see every vehicle unless `claims` says otherwise."""
        return {"Authorization": f"Bearer {self.token(**{'telemetry:vehicles': ['*']} | claims)}"}

    def published(self) -> list[dict[str, Any]]:
        found = []
        for key_id, key in self.keys.items():
            kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
            public = json.loads(kind.to_jwk(key.public_key()))
            found.append({"kid": key_id, "use": "sig"} | public)
        return found + self.extra

    def _answer(self, path: str) -> Any:
        if path == "/pool/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": "https://login.example/oauth2/token",
                "end_session_endpoint": f"{self.url}/logout",
            }
        return {"keys": self.published()} if path == "/pool/keys" else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked[self.path] += 1
                issuer.delay.wait(60)
                answer = None if issuer.down else issuer._answer(self.path)
                self.send_response(500 if issuer.down else 404 if answer is None else 200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_args: object) -> None:
                pass

        return Handler
