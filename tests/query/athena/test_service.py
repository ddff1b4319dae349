"""The service as it runs in the cloud: signed in, over a bucket, asking Athena."""

import datetime as dt
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.reader_settings import ReaderSettings
from telemetry_pipeline.settings import Settings
from tests.decoded_lake import put_decoded
from tests.doubles.athena.running import AthenaLake
from tests.moto_server import ENV
from tests.oidc import Issuer
from tests.servers import ended, free_port, wait_for_http, wait_until

pytestmark = pytest.mark.slow

EVE = Partition("VIN_1", dt.date(2026, 12, 31))
S = 1_000_000_000
QUESTION = {
    "start_time": "2026-12-31T00:00:00Z",
    "end_time": "2027-01-01T00:00:00Z",
    "signals": [{"message_name": "Drive", "signal_name": "Speed"}],
}


@dataclass
class Service:
    """A running service and its caller."""

    port: int
    lake: AthenaLake
    headers: dict[str, str]

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", **self.headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def service(athena_lake: AthenaLake, tmp_path: Path) -> Iterator[Service]:
    t = [EVE.start_ns + number * S for number in range(1000)]
    put_decoded(
        athena_lake.store, EVE, "a", {("Drive", "Speed"): (t, [float(number) for number in range(1000)])}
    )
    athena_lake.register()
    issuer = Issuer()
    settings = Settings(
        lake=athena_lake.store.url,
        endpoint_url=athena_lake.server.endpoint,
        catalog=athena_lake.database,
        dashboard=tmp_path,
        reader=ReaderSettings(workgroup=athena_lake.workgroup, timeout_s=600),
        service=issuer.settings(),
    )
    (tmp_path / "index.html").write_text("<!doctype html>")
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "telemetry"), "serve", "--port", str(port)],
            env={"PATH": "", "HOME": str(tmp_path), **ENV, **settings.to_env()},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with ended(process):
        wait_for_http(f"http://127.0.0.1:{port}/health", process, log=tmp_path / "log")
        yield Service(port, athena_lake, issuer.headers())
    issuer.close()


def test_it_answers_says_what_was_scanned_and_stops_what_nobody_waits_for(service: Service) -> None:
    status, answer = service.post("/vehicles/VIN_1/query", QUESTION)
    assert status == 200, answer
    assert [point["v"] for point in answer["signals"][0]["data"]] == [float(number) for number in range(1000)]
    (query,) = service.lake.queries()
    assert answer["query_stats"]["bytes_scanned"] == query["Statistics"]["DataScannedInBytes"] > 0
    assert answer["query_stats"]["rows_scanned"] == 1000

    service.lake.server.order(
        {"throttle": True}, {"cancel": "Query cancelled! : Bytes scanned limit was exceeded"}
    )
    # what was answered is kept: others ask something else
    status, problem = service.post("/vehicles/VIN_1/query", QUESTION | {"max_points": 900})
    assert (status, "Bytes scanned" in problem["detail"]) == (413, True)

    service.lake.server.order({"delay_s": 300})
    body = json.dumps(QUESTION | {"max_points": 800}).encode()
    head = ["POST /vehicles/VIN_1/query HTTP/1.1", "Host: x", "Content-Type: application/json"]
    head += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in service.headers.items())]
    known = len(service.lake.queries())
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        wait_until(lambda: len(service.lake.queries()) > known, "the query to begin")
    wait_until(
        lambda: service.lake.queries()[-1]["Status"]["State"] == "CANCELLED", "the query to be stopped"
    )
