"""A small OpenID Connect issuer as a process of its own: a page to sign in on, codes with PKCE, tokens that are renewed.

Real are HTTP, redirects, the check of every verifier and return address, keys and signatures, codes and refresh tokens that
are good once. Simulated are the people: whoever presses the button is Ada, and nobody has a password.

    python -m tests.oidc_login --port P --lifetime SECONDS --vehicles 'EV_*'
"""

import argparse
import base64
import hashlib
import json
import secrets
import time
from collections import Counter
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT = "telemetry-api"
"""The client's id, and whom its tokens are meant for."""

PAGE = """<!doctype html><html lang="en"><title>Issuer</title><h1>Who are you?</h1>
<form action="{action}"><input type="hidden" name="pass" value="{given}"><button>I am Ada</button></form>
<a href="{refuse}">I would rather not</a></html>"""


class Refused(Exception):
    """What the issuer does not do, as the standard calls it."""


class Login:
    """Codes that wait, tokens that can be renewed, and how often each path was asked for."""

    def __init__(self, url: str, lifetime: int, vehicles: list[str]) -> None:
        self.url = url
        self.lifetime = lifetime
        self.vehicles = vehicles
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.waiting: dict[str, dict[str, str]] = {}
        self.renewable: set[str] = set()
        self.asked: Counter[str] = Counter()

    def described(self) -> dict[str, Any]:
        paths = {"authorization": "authorize", "token": "token", "end_session": "logout"}
        ends = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in paths.items()}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends}

    def keys(self) -> dict[str, Any]:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{"kid": "login-1", "use": "sig"} | public]}

    def page(self, query: dict[str, str]) -> str:
        if query.get("client_id") != CLIENT or query.get("response_type") != "code":
            raise Refused("unauthorized_client")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise Refused("invalid_request")
        given = secrets.token_urlsafe()
        self.waiting[given] = query
        refuse = self.back(query, error="access_denied", error_description="Ada would rather not")
        return PAGE.format(action=f"{self.url}/enter", given=given, refuse=escape(refuse))

    def entered(self, given: str) -> str:
        query = self.waiting.pop(given)
        code = secrets.token_urlsafe()
        self.waiting[code] = query
        return self.back(query, code=code)

    def back(self, query: dict[str, str], **said: str) -> str:
        return f"{query['redirect_uri']}?{urlencode({'state': query.get('state', ''), **said})}"

    def exchanged(self, form: dict[str, str]) -> dict[str, Any]:
        if form.get("client_id") != CLIENT:
            raise Refused("invalid_client")
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token", "") not in self.renewable:
                raise Refused("invalid_grant")
            self.renewable.remove(form["refresh_token"])
        else:
            query = self.waiting.pop(form.get("code", ""), None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if (
                query is None
                or query["code_challenge"] != proof
                or query["redirect_uri"] != form.get("redirect_uri")
            ):
                raise Refused("invalid_grant")
        refresh = secrets.token_urlsafe()
        self.renewable.add(refresh)
        return {
            "access_token": self.signed(aud=CLIENT, **{"telemetry:vehicles": self.vehicles}),
            "id_token": self.signed(aud=CLIENT, name="Ada Lovelace", token_use="id"),
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }

    def signed(self, **claims: Any) -> str:
        now = int(time.time())
        every = {"iss": self.url, "sub": "ada", "iat": now, "exp": now + self.lifetime} | claims
        return jwt.encode(every, self.key, algorithm="RS256", headers={"kid": "login-1"})


def handler(login: Login) -> type[BaseHTTPRequestHandler]:
    """Answers for an issuer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            login.asked[parts.path] += 1
            try:
                match parts.path:
                    case "/.well-known/openid-configuration":
                        self.answer(200, login.described())
                    case "/keys":
                        self.answer(200, login.keys())
                    case "/asked":
                        self.answer(200, login.asked)
                    case "/forget":
                        login.renewable.clear()
                        self.answer(200, {})
                    case "/authorize":
                        self.answer(200, login.page(query))
                    case "/enter":
                        self.redirect(login.entered(query["pass"]))
                    case "/logout":
                        self.redirect(query["post_logout_redirect_uri"])
                    case _:
                        self.answer(404, {})
            except Refused as error:
                self.answer(400, {"error": str(error)})

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            login.asked[f"{self.path} {form.get('grant_type')}"] += 1
            try:
                self.answer(200, login.exchanged(form))
            except Refused as error:
                self.answer(400, {"error": str(error)})

        def answer(self, status: int, body: Any) -> None:
            page = isinstance(body, str)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write((body if page else json.dumps(body)).encode())

        def redirect(self, url: str) -> None:
            self.send_response(302)
            self.send_header("Location", url)
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lifetime", type=int, default=300)
    parser.add_argument("--vehicles", nargs="*", default=["*"])
    given = parser.parse_args()
    login = Login(f"http://127.0.0.1:{given.port}", given.lifetime, given.vehicles)
    ThreadingHTTPServer(("127.0.0.1", given.port), handler(login)).serve_forever()


if __name__ == "__main__":
    main()
