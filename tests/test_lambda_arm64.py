"""The decoder's package for arm64, really run: its libraries' machine code, emulated, gives the bytes that this one's gives.

`scripts/need-arm64` fetches what runs it. Debian has no Python 3.12: the wheels are those for 3.11, of the same versions.
"""

from pathlib import Path

import cantools.database
import pytest

from scripts.build_lambda import PACKAGES, build
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.package_contents import libraries
from tests.raw_lake import EV_DBC, NOON, add_dbc
from tests.s3_notifications import s3_event, s3_record
from tests.s3_server import BUCKET, S3Server
from tests.unpacked_function import busy_frames, invoke_package

EMULATED = Path(__file__).parents[1] / "build" / "arm64"
FRAMES = 20_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (EMULATED / "done").exists(), reason="scripts/need-arm64 was not run"),
]


def test_the_decoder_for_arm64_gives_the_same_bytes(
    s3_lake: str, s3_server: S3Server, tmp_path: Path
) -> None:
    package = tmp_path / "function"
    build(PACKAGES["decoder"], package, machine="aarch64", python="3.11")
    assert {library.machine for library in libraries(package).values()} == {"aarch64"}
    ids = [message.frame_id for message in cantools.database.load_file(EV_DBC).messages]
    raw = RawObject.starting("EV_001", NOON)
    body = parquet.write_raw(busy_frames(FRAMES, NOON, ids))
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    twin = Store.open((tmp_path / "twin").as_uri())
    for lake in (store, twin):
        add_dbc(lake)
        lake.put(raw.key, body)

    root = EMULATED / "root"
    qemu = EMULATED / "qemu/usr/bin/qemu-aarch64-static"
    announced = s3_event(s3_record(BUCKET, f"{s3_lake.removeprefix(f's3://{BUCKET}/')}/{raw.key}"))
    ran = invoke_package(
        package,
        [announced],
        {**s3_server.env, "TELEMETRY_LAKE": s3_lake},
        interpreter=[str(qemu), "-L", str(root), str(root / "usr/bin/python3.11")],
        memory_mb=16_384,  # the emulator's own is in it
    )
    assert ran.strangers == []
    (answer,) = ran.answers
    assert answer["answer"]["FramesDecoded"] == FRAMES
    (outcome,) = process_objects(twin, Databases.load(twin), [raw])
    assert outcome.report is not None
    assert store.get(raw.decoded_key) == twin.get(raw.decoded_key)
