"""Who signs for Dagster's database: the bundle that an image fetches, and a PostgreSQL that is compared with it."""

import hashlib
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster_postgres.utils import DagsterPostgresException

from tests import postgres
from tests.edge_agent.credential_server import Authority
from tests.servers import serving

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "certificates.py"
STORAGE = yaml.safe_load((ROOT / "deploy" / "instance" / "ecs.yaml").read_text())["storage"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs for the servers here."""
    return Authority(tmp_path_factory.mktemp("right"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs for nobody here."""
    return Authority(tmp_path_factory.mktemp("wrong"))


@pytest.fixture(scope="module")
def database(authority: Authority) -> Iterator[str]:
    """A server whose certificate is for 127.0.0.1."""
    with postgres.running(authority.issue("database")) as url:
        yield url


def asked_for(ca: Path) -> str:
    """What the stacks add to the address of the database, with another bundle than the image's."""
    template = json.dumps(
        json.loads((ROOT / "tests/infra/snapshots/with_dagster/orchestrate.json").read_text())
    )
    (found,) = re.findall(r"/dagster\?([^\"]+)\"", template)
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    (bundle,) = re.findall(r"sslrootcert=([^&]+)", found)
    assert f'certificates.py "$RDS_CA" {bundle} "$RDS_CA_SHA256"' in recipe, "the image has it elsewhere"
    return str(found.replace(bundle, str(ca)))


def open_books(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[tuple[bool]]]:
    """As Dagster opens them on ECS: how many runs are in them, and whether this process's connections are encrypted."""
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump({"storage": STORAGE, "telemetry": {"enabled": False}}))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        runs = instance.get_runs_count()
        with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
            query = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE backend_type = 'client backend'"
            encrypted = [tuple(row) for row in connection.exec_driver_sql(query)]
    return runs, encrypted


@postgres.needs_postgres
def test_dagster_opens_the_books_of_the_database_that_it_knows(
    database: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{database}?{asked_for(authority.ca)}"
    runs, encrypted = open_books(tmp_path / "home", url, monkeypatch)
    assert runs == 0
    assert set(encrypted) == {(True,)}


@postgres.needs_postgres
@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("signed by somebody else", "certificate verify failed"),
        ("another name than it was asked by", "does not match host name"),
        ("no bundle", "does not exist"),
    ],
)
def test_dagster_tells_its_password_to_no_other_database(
    case: str,
    said: str,
    database: str,
    authority: Authority,
    stranger: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ca = {"signed by somebody else": stranger.ca, "no bundle": tmp_path / "none.pem"}.get(case, authority.ca)
    host = "localhost" if case.startswith("another name") else "127.0.0.1"
    url = f"{database.replace('127.0.0.1', host)}?{asked_for(ca)}"
    with pytest.raises(DagsterPostgresException) as refused:
        open_books(tmp_path / "home", url, monkeypatch)
    assert said in str(refused.value.__cause__)


@pytest.fixture(scope="module")
def bundles(
    authority: Authority, stranger: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A web server with bundles, sound ones and others; its address."""
    folder = tmp_path_factory.mktemp("bundles")
    whole = authority.ca.read_bytes() + stranger.ca.read_bytes()
    for name, body in {
        "whole": whole,
        "page": b"<!doctype html>",
        "none": b"",
        "mixed": whole + b"-----BEGIN PRIVATE" + b" KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
        "broken": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }.items():
        (folder / f"{name}.pem").write_bytes(body)

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("web"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield f"https://127.0.0.1:{server.server_port}"


def fetch(authority: Authority, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={**os.environ, "SSL_CERT_FILE": str(authority.ca)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_image_gets_the_bundle_and_says_which(bundles: str, authority: Authority, tmp_path: Path) -> None:
    target = tmp_path / "ca.pem"
    for digest in ([], [""]):
        done = fetch(authority, f"{bundles}/whole.pem", str(target), *digest)
        assert done.returncode == 0, done.stderr
    found = hashlib.sha256(target.read_bytes()).hexdigest()
    assert f"2 certificates, SHA-256 {found}" in done.stdout
    assert fetch(authority, f"{bundles}/whole.pem", str(target), found).returncode == 0


@pytest.mark.parametrize(
    ("name", "digest", "said"),
    [
        ("whole", "0" * 64, "RDS_CA_SHA256"),
        ("page", "", "something else than certificates"),
        ("none", "", "something else than certificates"),
        ("mixed", "", "something else than certificates"),
        ("broken", "", "cannot be read"),
        ("absent", "", "404"),
    ],
)
def test_an_image_is_not_made_with_another_bundle(
    name: str, digest: str, said: str, bundles: str, authority: Authority, tmp_path: Path
) -> None:
    done = fetch(authority, f"{bundles}/{name}.pem", str(tmp_path / "ca.pem"), digest)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "ca.pem").exists()


def test_an_image_trusts_nobody_on_the_way(bundles: str, stranger: Authority, tmp_path: Path) -> None:
    target = str(tmp_path / "ca.pem")
    assert "certificate verify failed" in fetch(stranger, f"{bundles}/whole.pem", target).stderr
    assert "Name an https address" in fetch(stranger, "http://127.0.0.1/whole.pem", target).stderr
