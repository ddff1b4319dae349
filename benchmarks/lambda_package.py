"""The Lambda package, unpacked and alone in a process with a function's memory, on a real S3 server.

`python -m benchmarks.lambda_package` runs this one. With 1,024 MB a function has 0.58 of a core: the limit in CPU time
is that part of the limit in wall time.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import cantools.database
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Line, Result, at_most, per_second
from benchmarks.page import print_result
from telemetry_pipeline.lake import layout, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import EV_DBC, NOON, SECOND, add_dbc
from tests.s3_notifications import s3_event, s3_record
from tests.s3_server import BUCKET, S3Server, SeaweedFS
from tests.unpacked_function import MEMORY_MB, Invocations, build_package, busy_frames, invoke_package

NAME: Final = "lambda"

_LIMIT_S: Final = 3.0
_CORES: Final = MEMORY_MB / 1769
"""A function has one core for each 1,769 MB: docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

_OBJECT_BYTES: Final = 10_000_000
_PACKAGE_MB: Final = 250
_NOISE_FRAMES: Final = 1_150_000


def run(frames: int, rounds: int) -> Result:  # noqa: ARG001  the object's size is given, not its frames
    """Decode 10 MB objects by S3 events, cold and warm, best of some rounds."""
    result = Result(
        NAME,
        f"The unpacked package, {MEMORY_MB:,} MB of memory, one S3 event for each raw object of 10 MB: CPU time, and "
        f"its ratio to what {_LIMIT_S:g} s of such a function have ({_CORES:.2f} of a core).",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_package(folder / "function")
        size = sum(path.stat().st_size for path in (folder / "function").rglob("*") if path.is_file())
        result.lines.append(
            Line("package, unzipped", f"{size >> 20} MB", **at_most((size >> 20) / _PACKAGE_MB, 1))
        )
        (folder / "s3").mkdir()
        with SeaweedFS.started(folder / "s3") as store:
            os.environ.update(store.server.env)
            for kind, table in (("payloads of noise", _noise()), ("a simulated drive", _drive(folder))):
                result.lines += _measure(kind, table, folder / "function", store.server, rounds)
    return result


def _measure(kind: str, table: pa.Table, package: Path, server: S3Server, rounds: int) -> list[Line]:
    """Two objects in a process of their own: the first meets a cold function, the second a warm one."""
    body = parquet.write_raw(table)
    env = dict(server.env)
    ran: list[Invocations] = []
    for number in range(rounds):
        lake = f"s3://{BUCKET}/{kind.replace(' ', '-')}-{number}"
        store = Store.open(lake, endpoint_url=server.endpoint)
        add_dbc(store)
        raws = [RawObject.starting("EV_001", NOON + k * 3600 * SECOND) for k in range(2)]
        for raw in raws:
            store.put(raw.key, body)
        prefix = lake.removeprefix(f"s3://{BUCKET}/")
        events = [s3_event(s3_record(BUCKET, f"{prefix}/{raw.key}")) for raw in raws]
        ran.append(invoke_package(package, events, {**env, "TELEMETRY_LAKE": lake}))
        wrong = [answer for answer in ran[-1].answers if "error" in answer]
        assert not wrong, wrong
        assert len(list(store.list_objects(layout.DECODED))) == len(raws)
    lines = []
    for index, state in enumerate(("cold", "warm")):
        best = min(one.answers[index]["cpu_s"] + (0 if index else one.import_cpu_s) for one in ran)
        wall = min(one.answers[index]["seconds"] for one in ran)
        who = f"{kind}, {table.num_rows:,} frames, {len(body) / 1e6:.1f} MB, {state}"
        lines.append(
            Line(
                who,
                f"{best:.2f} s (wall {wall:.2f} s)",
                per_second(table.num_rows, best, "frames"),
                **at_most(best / (_LIMIT_S * _CORES), 1),
            )
        )
    peak = max(one.peak_mb for one in ran)
    lines.append(Line(f"{kind}, peak memory", f"{peak:.0f} MB", **at_most(peak / MEMORY_MB, 1)))
    return lines


def _noise() -> pa.Table:
    ids = [message.frame_id for message in cantools.database.load_file(EV_DBC).messages]
    return busy_frames(_NOISE_FRAMES, NOON, ids)


def _drive(folder: Path) -> pa.Table:
    """So much of a simulated drive as fills an object of 10 MB."""
    lake = folder / "drive"
    command = [str(Path(sys.executable).parent / "telemetry"), "simulate", "--vehicle", "EV_001"]
    command += ["--start", "2026-02-23T12:00:00Z", "--duration", "110m", "--rate", "3"]
    subprocess.run(command, check=True, capture_output=True, env={"TELEMETRY_LAKE": lake.as_uri()})
    table = pa.concat_tables([pq.read_table(path) for path in sorted((lake / "raw").rglob("*.parquet"))])
    table = table.select(parquet.schema.RAW.names).cast(parquet.schema.RAW)
    return table.slice(0, int(table.num_rows * _OBJECT_BYTES / len(parquet.write_raw(table))))


if __name__ == "__main__":
    print_result(run(frames=0, rounds=3))
