"""The decoder's and the service's rows of the table against the requests that they really send to an S3 server.

Both ways: no request without its row, and no row without a request. The server writes every request into its log.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from api.door import open_app
from infra import permissions
from infra.permissions import Need
from telemetry_pipeline import dictionaries, lambda_handler
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.s3_events import read_event
from telemetry_pipeline.settings import Settings
from tests.moto_server import Aws, moto_running
from tests.oidc import AUDIENCE, Issuer
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.s3_notifications import s3_event, s3_record

BUCKET = "lake"
DAY = 86_400 * SECOND
RULES = """\
rules:
  - name: fast
    signal: MotorCtrl_Status.Motor_RPM
    condition: "> 50"
"""
ACTIONS = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
DELETED = "events/"
"""What a deletion is of stands in its body, which no log has: the test looks what has gone."""

Call = tuple[str, str]


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    # every lake of these tests has the same name: what this process remembers is of another one
    monkeypatch.setattr(dictionaries, "_there", dictionaries._Remembered())
    with moto_running(tmp_path) as found:
        for name, value in found.env().items():
            monkeypatch.setenv(name, value)
        found.client("s3").create_bucket(Bucket=BUCKET)
        yield found


def calls(log: Path, since: int) -> set[Call]:
    """Actions and keys of the requests that a server has written down since it had written so much."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text()[since:])
    found = set()
    for method, target in re.findall(r'"(GET|HEAD|PUT|DELETE|POST) (\S+) HTTP', text):
        parts = urlsplit(target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket == BUCKET and method == "POST":
            assert "delete" in parts.query, target
            found.add(("s3:DeleteObject", DELETED))
        elif bucket == BUCKET:
            found.add((ACTIONS[method], key) if key else ("s3:ListBucket", ""))
    return found


def granted(needs: Sequence[Need], of: str = "data") -> set[Call]:
    """Actions and prefixes of the rows about a bucket; default: the lake's."""
    return {
        (action, prefix)
        for need in needs
        if need.of == of
        for action in need.actions
        for prefix in need.below or ("",)
    }


def without_row(sent: set[Call], rows: set[Call]) -> list[Call]:
    return sorted(
        call for call in sent if not any(call[0] == row[0] and call[1].startswith(row[1]) for row in rows)
    )


def without_request(sent: set[Call], rows: set[Call]) -> list[Call]:
    return sorted(
        row for row in rows if not any(call[0] == row[0] and call[1].startswith(row[1]) for call in sent)
    )


@pytest.mark.slow
def test_the_decoder_may_do_what_it_does_and_does_what_it_may(aws: Aws, tmp_path: Path) -> None:
    store = Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)
    add_dbc(store)
    store.put(layout.RULES, RULES.encode())
    # a plain one, its neighbour, one over midnight with the next day's, and one that cannot be read
    raws = [land(store, "EV_1"), land(store, "EV_1", NOON + 2 * SECOND)]
    raws += [
        land(store, "EV_1", NOON + DAY // 2 - SECOND // 2),
        land(store, "EV_1", NOON + DAY // 2 + SECOND),
    ]
    broken = layout.RawObject.starting("EV_2", NOON)
    store.put(broken.key, b"no Parquet")
    log = tmp_path / "moto.log"
    before = len(log.read_text())
    settings = Settings.from_env({"TELEMETRY_LAKE": store.url, "AWS_ENDPOINT_URL": aws.endpoint})
    worker = lambda_handler.Worker(settings)
    for raw in (*raws, broken, *raws):
        worker.run(read_event(s3_event(s3_record(BUCKET, raw.key))), None)
    sent = calls(log, before)
    # what a rule no longer finds goes; what was quarantined is looked at again
    store.put(layout.RULES, RULES.replace("> 50", "> 1000000").encode())
    store.put(raws[0].key, store.get(raws[1].key))
    held = {info.key for info in store.list_objects("")}
    after = len(log.read_text())
    for raw in (raws[0], broken):
        worker.run(read_event(s3_event(s3_record(BUCKET, raw.key))), None)
    sent |= calls(log, after)
    gone = held - {info.key for info in store.list_objects("")}
    assert gone
    assert all(key.startswith(DELETED) for key in gone)
    rows = granted(permissions.DECODER)
    assert without_row(sent, rows) == []
    assert without_request(sent, rows) == []
    for row in rows:
        assert without_row(sent, rows - {row}), f"{row} could be taken away and nothing would miss it"


async def ask_everything(app: FastAPI, headers: dict[str, str]) -> None:
    """One question of every kind."""
    question = {
        "signals": [{"message_name": "MotorCtrl_Status", "signal_name": "Motor_RPM"}],
        "start_time": "2026-02-23T00:00:00Z",
        "end_time": "2026-02-25T00:00:00Z",
    }
    window = "start=2026-02-23T00:00:00Z&end=2026-02-25T00:00:00Z"
    paths = [
        f"/vehicles/EV_1/{what}"
        for what in ("sessions", "messages", f"events?{window}", "health?first=2026-02-23&last=2026-02-24")
    ]
    paths += ["/vehicles", "/fleet/health", "/vehicles/EV_1/messages/MotorCtrl_Status/signals"]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        answers = [await client.get(path) for path in paths]
        for more in ({}, {"max_points": 10}, {"include": ["stats", "gaps", "envelope"]}):
            answers.append(await client.post("/vehicles/EV_1/query", json={**question, **more}))
    assert "\n".join(f"{it.url} {it.text}" for it in answers if it.status_code != 200) == ""


@pytest.mark.slow
def test_the_service_may_do_what_it_does_and_does_what_it_may(aws: Aws, tmp_path: Path) -> None:
    store = Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)
    add_dbc(store)
    store.put(layout.RULES, RULES.encode())
    raws = [land(store, "EV_1", count=2_000), land(store, "EV_1", NOON + DAY)]
    broken = layout.RawObject.starting("EV_1", NOON + 60 * SECOND)
    store.put(broken.key, b"no Parquet")
    settings = {"TELEMETRY_LAKE": store.url, "AWS_ENDPOINT_URL": aws.endpoint}
    worker = lambda_handler.Worker(Settings.from_env(settings))
    for raw in (*raws, broken):
        worker.run(read_event(s3_event(s3_record(BUCKET, raw.key))), None)
    telemetry = Path(sys.executable).with_name("telemetry")
    subprocess.run(
        [str(telemetry), "compact", "--vehicle", "EV_1", "--day", "2026-02-23"],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        timeout=300,
    )
    issuer = Issuer()
    try:
        access = {"TELEMETRY_AUTH_ISSUER": issuer.url, "TELEMETRY_AUTH_AUDIENCE": AUDIENCE}
        app = open_app(Settings.from_env({**settings, **access}), host=None, credentials="environment")
        before = len((tmp_path / "moto.log").read_text())
        asyncio.run(ask_everything(app, issuer.headers()))
        sent = calls(tmp_path / "moto.log", before)
    finally:
        issuer.close()
    rows = granted(permissions.API)
    assert without_row(sent, rows) == []
    assert without_request(sent, rows) == []
    for row in rows:
        assert without_row(sent, rows - {row}), f"{row} could be taken away and nothing would miss it"
