"""`python -m infra.cost --measure`: an hour of a simulated vehicle goes through the decoder's own code over an S3 server.

Counted are bytes in the lake, requests by their kind as the server wrote them down, CPU seconds of a warm function and of
the compaction, and bytes of the function's log. The server is moto, of the development environment; CPU seconds are those of this machine.
"""

import contextlib
import datetime as dt
import io
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from telemetry_pipeline import catalog_handler
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lambda_handler import Worker
from telemetry_pipeline.s3_events import read_event
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.settings import Settings, child_env

BUCKET: Final = "lake"
VEHICLE: Final = "COST"
LOOKED_AT: Final = 50
START: Final = "2026-02-23T12:00:00Z"
_DAY: Final = START[:10]
_STARTS_WITHIN_S: Final = 120.0
_KEY: Final = "an-hour"


def measure(duration: str) -> dict[str, Any]:
    """Measure a vehicle; what comes out is by vehicle-hour, by object, and by vehicle and hour of the clock.

    Args:
        duration: How long it drives, as `telemetry simulate` takes it; whole hours or parts of one.

    Raises:
        TransientError: The server does not start, or a command fails.
    """
    with tempfile.TemporaryDirectory(prefix="telemetry-cost-") as name:
        log = Path(name) / "log"
        with _server(log) as env:
            simulated = json.loads(
                _run(
                    env,
                    *("telemetry", "simulate", "--json", "--vehicle", VEHICLE),
                    *("--start", START, "--duration", duration),
                )
            )
            decoding, decoded = _counted(log, env, sys.executable, "-m", "infra.cost.measure")
            compacting, compacted = _counted(log, env, sys.executable, "-m", "infra.cost.measure", "compact")
            _run(env, "telemetry", "catalog", "sync")
            sizes = json.loads(_run(env, sys.executable, "-m", "infra.cost.measure", "sizes"))
            looked = json.loads(_run(env, sys.executable, "-m", "infra.cost.measure", "look"))
    objects = simulated["objects"]
    return {
        "seconds": sizes.pop("seconds"),
        "frames": simulated["frames"],
        "objects": objects,
        "bytes": sizes,
        "requests_of_an_object": {kind: round(count / objects, 3) for kind, count in decoding.items()},
        **json.loads(decoded),
        "requests_of_a_compaction": dict(compacting),
        **json.loads(compacted),
        **looked,
    }


def decode() -> dict[str, float]:
    """Decode all that has landed, an event for each object, by one warm function."""
    settings = Settings.from_env()
    worker = Worker(settings)
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
    keys = sorted(info.key for info in store.list_objects(layout.RAW))
    said = io.StringIO()
    spent = []
    for key in keys:
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": quote(key)}},
        }
        began = time.process_time()
        with contextlib.redirect_stdout(said):
            worker.run(read_event({"Records": [record]}), None)
        spent.append(time.process_time() - began)
    spent.sort()
    return {
        "cpu_seconds_of_an_object": round(spent[len(spent) // 2], 4),
        "log_bytes_of_an_object": round(len(said.getvalue()) / len(keys)),
    }


def compact() -> dict[str, float]:
    """Compact the vehicle's day, as the task of every night does."""
    settings = Settings.from_env()
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
    began = time.process_time()
    compact_day(store, layout.Partition(VEHICLE, dt.date.fromisoformat(_DAY)))
    return {"cpu_seconds_of_a_compaction": round(time.process_time() - began, 3)}


def look() -> dict[str, float]:
    """Let the catalogue's function look twice at a day of many vehicles; CPU seconds of the second time, by vehicle."""
    settings = Settings.from_env()
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
    date = dt.date.fromisoformat(_DAY)
    for number in range(LOOKED_AT):
        store.put(layout.DecodedObject(layout.Partition(f"{VEHICLE}_{number}", date), "x").key, b"-")
    with contextlib.redirect_stdout(io.StringIO()):
        catalog_handler.handler({"time": START}, None)
        began = time.process_time()
        catalog_handler.handler({"time": START}, None)
    return {"cpu_seconds_of_a_look": round((time.process_time() - began) / LOOKED_AT, 5)}


def sizes() -> dict[str, float]:
    """Bytes by zone, and how long the frames last."""
    settings = Settings.from_env()
    store = Store.open(settings.lake, endpoint_url=settings.endpoint_url, credentials="environment")
    found: Counter[str] = Counter()
    for info in store.list_objects(""):
        found[info.key.partition("/")[0]] += info.size
    objects = sum(1 for _ in store.list_objects(layout.RAW))
    return {
        **{zone: found[zone] for zone in ("raw", "decoded", "series", "overview")},
        "seconds": objects * 60,
    }


@contextlib.contextmanager
def _server(log: Path) -> Iterator[dict[str, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [_program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            _make_bucket(url)
            yield child_env(
                AWS_ENDPOINT_URL=url,
                AWS_ACCESS_KEY_ID=_KEY,
                AWS_SECRET_ACCESS_KEY=_KEY,
                AWS_DEFAULT_REGION="us-east-1",
                AWS_REGION="us-east-1",
                AWS_EC2_METADATA_DISABLED="true",
                TELEMETRY_LAKE=f"s3://{BUCKET}",
            )
        finally:
            process.terminate()


def _make_bucket(url: str) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    request = urllib.request.Request(f"{url}/{BUCKET}", method="PUT")  # noqa: S310  loopback
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310  loopback
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > until:
                raise TransientError(f"moto does not start ({error})", url) from error


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _run(env: dict[str, str], program: str, *arguments: str) -> str:
    command = [program if "/" in program else _program(program), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        raise TransientError(f"it ended with {done.returncode}: {done.stderr[-500:]}", " ".join(command))
    return done.stdout


def _counted(log: Path, env: dict[str, str], *command: str) -> tuple[Counter[str], str]:
    """Run a command; the requests to the lake by what they cost as, and what it printed."""
    before = len(log.read_text())
    out = _run(env, *command)
    return requests_in(log.read_text()[before:]), out


def requests_in(text: str) -> Counter[str]:
    """Requests to the bucket in a server's log: `write` (PUT and LIST), `read` (GET and HEAD); deletions cost nothing."""
    found: Counter[str] = Counter({"write": 0, "read": 0})
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for method, target in re.findall(r'"(GET|HEAD|PUT) (\S+) HTTP', plain):
        bucket, _, key = unquote(urlsplit(target).path).lstrip("/").partition("/")
        if bucket == BUCKET:
            found["write" if method == "PUT" or not key else "read"] += 1
    return found


if __name__ == "__main__":
    answer = {"sizes": sizes, "look": look, "compact": compact}.get("".join(sys.argv[1:]), decode)()
    sys.stdout.write(json.dumps(answer))
