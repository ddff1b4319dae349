"""Who gets in: tokens of one issuer, over real HTTP with real keys; and this machine alone without one."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
import warnings

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.warnings import InsecureKeyLengthWarning

from api import keys
from api.app import create_app
from api.auth import SignIn, ThisMachine, access_of
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.service_settings import Limits, ServiceSettings
from tests.api.small_lake import fill
from tests.oidc import AUDIENCE
from tests.servers import wait_until


@pytest.fixture
def guarded(folder_lake, serving, issuer):
    """A client of a service that takes the issuer's tokens."""
    fill(folder_lake)
    return serving(
        create_app(ParquetReader(folder_lake), lake=folder_lake.url, access=SignIn(issuer.settings()))
    )


def asked(client, token, path="/vehicles"):
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def refused(answer, word):
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert word in problem["detail"]
    assert problem["remedy"]
    return answer.headers["www-authenticate"]


def test_a_token_of_the_issuer_lets_its_bearer_in(guarded, issuer):
    answer = guarded.get("/vehicles", headers=issuer.headers())
    assert [vehicle["vehicle_id"] for vehicle in answer.json()] == ["EV_001", "EV_002", "TRUCK_7"]


def test_no_token_is_401_and_says_how(guarded):
    challenge = refused(guarded.get("/vehicles"), "no token")
    assert challenge == 'Bearer realm="can-telemetry"'


def test_both_kinds_of_keys_are_taken(guarded, issuer):
    issuer.publish_ec("ec-1")
    assert asked(guarded, issuer.token(key_id="ec-1")).status_code == 200
    assert asked(guarded, issuer.token(key_id="rsa-1")).status_code == 200


def test_cognitos_access_tokens_name_their_client_instead_of_an_audience(guarded, issuer):
    assert asked(guarded, issuer.token(aud=None, client_id=AUDIENCE, token_use="access")).status_code == 200
    refused(asked(guarded, issuer.token(aud=None, client_id="another")), "somebody else")
    refused(asked(guarded, issuer.token(token_use="id")), "ID token")


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"exp": int(time.time()) - 120}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "cannot be taken"),
        ({"nbf": int(time.time()) + 7 * 86_400}, "not good yet"),
        ({"iss": "https://another.example"}, "another issuer"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "somebody else"),
        ({"aud": ["another", "one more"]}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"aud": [7, None, {}]}, "somebody else"),
        ({"sub": None}, "whose"),
    ],
)
def test_claims_that_do_not_hold_are_refused(guarded, issuer, claims, word):
    token = issuer.token(**{"exp": int(time.time()) + 8 * 86_400} | claims)
    assert 'error="invalid_token"' in refused(asked(guarded, token), word)


def test_clocks_may_differ_a_little(guarded, issuer):
    now = int(time.time())
    assert asked(guarded, issuer.token(exp=now - 5)).status_code == 200
    assert asked(guarded, issuer.token(nbf=now + 15)).status_code == 200
    assert asked(guarded, issuer.token(aud=["x", AUDIENCE])).status_code == 200


def test_what_was_not_signed_by_the_issuer_is_refused(guarded, issuer):
    issuer.publish_ec("ec-1")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused(asked(guarded, issuer.token(key=stranger)), "cannot be taken")
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "eve", "exp": int(time.time()) + 300}
    head = {"kid": "rsa-1"}
    refused(asked(guarded, jwt.encode(claims, "", algorithm="none", headers=head)), "RS256 or ES256")
    # the public key, which everybody has, as if it were a secret
    public = issuer.keys["rsa-1"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}, claims)
    )
    tag = base64.urlsafe_b64encode(hmac.digest(pem, body.encode(), hashlib.sha256)).rstrip(b"=").decode()
    refused(asked(guarded, f"{body}.{tag}"), "RS256 or ES256")
    # a token whose word for its key's kind is not the key's
    good = issuer.token(key_id="rsa-1", header={"kid": "ec-1"})
    refused(asked(guarded, good), "cannot be taken")
    whole = issuer.token()
    refused(asked(guarded, whole[:-8] + "AAAAAAAA"), "cannot be taken")


def test_weak_and_foreign_keys_of_the_issuer_are_not_used(guarded, issuer):
    issuer.publish("weak", rsa.generate_private_key(public_exponent=65537, key_size=1024))
    issuer.publish_ec("ec-384", ec.SECP384R1())
    issuer.extra = [
        {"kid": "secret", "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "broken", "kty": "RSA", "n": "!", "e": "AQAB"},
        {"kid": 7, "kty": "RSA"},
        {"kty": "RSA"},
        "nothing",  # type: ignore[list-item]
    ]
    for key_id, algorithm in (("weak", "RS256"), ("ec-384", "ES384")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureKeyLengthWarning)  # the point of the test
            token = issuer.token(key_id=key_id, algorithm=algorithm)
        assert asked(guarded, token).status_code == 401
    for key_id in ("secret", "broken"):
        refused(asked(guarded, issuer.token(key=issuer.keys["rsa-1"], key_id=key_id)), "none of the issuer's")
    assert asked(guarded, issuer.token()).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "Token abc",
        "Bearer " + "x" * 20_000,
        "bearer ..",
        "Bearer é.é.é",
    ],
)
def test_what_is_no_token_is_refused(guarded, header):
    answer = guarded.get("/vehicles", headers=[(b"authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_two_tokens_at_once_are_none(guarded, issuer):
    good = issuer.headers()["Authorization"]
    answer = guarded.get("/vehicles", headers=[("Authorization", good), ("Authorization", good)])
    assert answer.status_code == 401


def test_a_new_key_is_found_and_looked_for_at_most_every_few_seconds(folder_lake, serving, issuer):
    now = [0.0]
    access = SignIn(issuer.settings())
    access.keys._clock = lambda: now[0]
    client = serving(create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, access=access))
    assert asked(client, issuer.token()).status_code == 200
    assert issuer.asked["/pool/keys"] == 1
    now[0] = 1.0
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for number in range(20):
        refused(asked(client, issuer.token(key=stranger, key_id=f"made-up-{number}")), "none of the issuer's")
    assert issuer.asked["/pool/keys"] == 1, "whoever makes up ids makes the service ask"
    now[0] = keys.LOOK_PAUSE_S + 1
    issuer.publish_ec("new")
    assert asked(client, issuer.token(key_id="new")).status_code == 200
    assert issuer.asked["/pool/keys"] == 2
    # the old one is gone from the issuer, and so from us
    del issuer.keys["rsa-1"]
    now[0] *= 3
    refused(asked(client, issuer.token(key_id="other", key=stranger)), "none of the issuer's")
    refused(asked(client, issuer.token(key_id="rsa-1", key=stranger)), "none of the issuer's")


def test_known_keys_stay_good_while_the_issuer_is_away_but_not_for_ever(folder_lake, serving, issuer):
    now = [0.0]
    access = SignIn(issuer.settings())
    access.keys._clock = lambda: now[0]
    client = serving(create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, access=access))
    token = issuer.token()
    assert asked(client, token).status_code == 200
    issuer.down = True
    now[0] = keys.FRESH_S + 1
    assert asked(client, token).status_code == 200
    wait_until(
        lambda: issuer.asked["/pool/.well-known/openid-configuration"] == 2, "the keys to be looked for"
    )
    unknown = asked(client, issuer.token(key=issuer.keys["rsa-1"], key_id="new"))
    assert unknown.status_code == 503, "nobody can say whether the issuer has that key"
    assert unknown.headers["retry-after"]
    now[0] = keys.GOOD_S + 1
    assert asked(client, token).status_code == 503
    issuer.down = False
    now[0] += keys.LOOK_PAUSE_S
    assert asked(client, token).status_code == 200


def test_a_stale_key_is_used_while_a_slow_issuer_is_asked(folder_lake, serving, issuer):
    now = [0.0]
    access = SignIn(issuer.settings())
    access.keys._clock = lambda: now[0]
    client = serving(create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, access=access))
    token = issuer.token()
    assert asked(client, token).status_code == 200
    issuer.delay.clear()
    now[0] = keys.FRESH_S + 1
    for _ in range(5):
        assert asked(client, token).status_code == 200
    wait_until(lambda: issuer.asked["/pool/.well-known/openid-configuration"] == 2, "the issuer to be asked")
    issuer.delay.set()
    wait_until(lambda: issuer.asked["/pool/keys"] == 2, "the answer to be taken")


def test_an_issuer_that_never_answered_is_503_and_health_goes_on(folder_lake, serving, issuer):
    issuer.down = True
    client = serving(
        create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, access=SignIn(issuer.settings()))
    )
    for path in ("/vehicles", "/auth-config"):
        answer = asked(client, issuer.token(), path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert issuer.url not in answer.text
    assert client.get("/health").status_code == 200


def test_requests_that_meet_a_new_key_ask_the_issuer_once(folder_lake, serving, issuer):
    client = serving(
        create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url, access=SignIn(issuer.settings()))
    )
    token, answers = issuer.token(), []
    issuer.delay.clear()
    threads = [
        threading.Thread(target=lambda: answers.append(asked(client, token).status_code)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    wait_until(issuer.asked.total, "the issuer to be asked")
    assert client.get("/health").status_code == 200
    issuer.delay.set()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
    assert issuer.asked["/pool/keys"] == 1


def test_where_to_sign_in_is_said_to_anybody(guarded, issuer, folder_lake, serving):
    assert guarded.get("/auth-config").json() == {
        "required": True,
        "issuer": issuer.url,
        "client_id": AUDIENCE,
        "scopes": "openid",
        "authorization_endpoint": f"{issuer.url}/authorize",
        "token_endpoint": "https://login.example/oauth2/token",
        "end_session_endpoint": f"{issuer.url}/logout",
    }
    free = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url))
    assert free.get("/auth-config").json()["required"] is False


def test_health_says_nothing_of_where_the_lake_is_to_strangers(guarded, folder_lake):
    health = guarded.get("/health")
    assert health.status_code == 200
    assert health.json()["lake"] == "file://"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "evil.example:80"}, {"Host": ""}])
def test_without_signing_in_only_names_of_this_machine_are_answered(folder_lake, serving, headers):
    client = serving(create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url))
    # a page of the web may have its own name lead to this machine
    answer = client.get("/vehicles", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "EV_001" not in answer.text


def test_without_signing_in_only_clients_of_this_machine_are_answered(folder_lake, serving):
    client = serving(create_app(ParquetReader(fill(folder_lake)), lake=folder_lake.url))
    # what a proxy on this machine says about whom it asks for
    assert client.get("/vehicles", headers={"X-Forwarded-For": "198.51.100.7"}).status_code == 403
    assert client.get("/vehicles").status_code == 200
    port = client.base_url.port
    assert client.get("/vehicles", headers={"Host": f"localhost:{port}"}).status_code == 200
    assert client.get("/vehicles", headers={"Host": f"[::1]:{port}"}).status_code == 200


def test_a_service_that_others_could_reach_does_not_start_open():
    plain = ServiceSettings()
    assert isinstance(access_of(plain, "file:///lake", host="127.0.0.1"), ThisMachine)
    assert isinstance(access_of(plain, "file:///lake", host="localhost"), ThisMachine)
    for lake, host in (
        ("file:///lake", "0.0.0.0"),
        ("file:///lake", ""),
        ("file:///lake", "192.168.1.2"),
        ("file:///lake", None),
        ("s3://bucket", "127.0.0.1"),
    ):
        for settings in (plain, ServiceSettings(auth="off")):
            with pytest.raises(BadSetting, match="TELEMETRY_AUTH_ISSUER"):
                access_of(settings, lake, host=host)
    with pytest.raises(BadSetting, match="nobody could sign in"):
        access_of(ServiceSettings(auth="required"), "file:///lake", host="127.0.0.1")
    with pytest.raises(BadSetting, match="a bucket is not served"):
        create_app(None, lake="s3://bucket")


def test_failures_count_against_the_address_and_not_against_the_subject(folder_lake, serving, issuer):
    limits = Limits(rate=0.001, burst=5)  # none comes back while this runs
    app = create_app(
        ParquetReader(fill(folder_lake)),
        lake=folder_lake.url,
        access=SignIn(issuer.settings()),
        limits=limits,
    )
    client = serving(app)
    seen = [asked(client, "x.y.z").status_code for _ in range(8)]
    assert seen == [401] * 5 + [429] * 3
    assert asked(client, issuer.token()).status_code == 200


@pytest.mark.parametrize(
    ("lake", "host", "settings", "word"),
    [
        ("file:///tmp/none", "0.0.0.0", {}, "TELEMETRY_AUTH_ISSUER"),
        ("file:///tmp/none", "0.0.0.0", {"TELEMETRY_AUTH": "off"}, "TELEMETRY_AUTH_ISSUER"),
        ("s3://bucket/lake", "127.0.0.1", {"TELEMETRY_AUTH": "off"}, "without signing in"),
        ("file:///tmp/none", "127.0.0.1", {"TELEMETRY_AUTH": "required"}, "TELEMETRY_AUTH_ISSUER"),
    ],
)
def test_the_command_says_what_to_set_instead_of_serving_everybody(lake, host, settings, word):
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_pipeline.cli.main", "serve", "--host", host, "--port", "0"],
        env=os.environ | {"TELEMETRY_LAKE": lake, "COLUMNS": "300"} | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert word in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
