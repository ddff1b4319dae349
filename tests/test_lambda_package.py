"""The Lambda package is whole: its handler runs from the unpacked folder alone, within Lambda's limits."""

from collections.abc import Callable
from pathlib import Path

import cantools.database
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import partition_total, process_objects
from tests.package_contents import lacking
from tests.raw_lake import EV_DBC, NOON, SECOND, add_dbc, land
from tests.s3_notifications import s3_event, s3_record, sqs_event
from tests.s3_server import BUCKET, S3Server
from tests.unpacked_function import MEMORY_MB, Package, busy_frames, invoke_package

pytestmark = pytest.mark.slow

MB = 1_000_000
FRAMES = 1_150_000


@pytest.fixture(scope="module")
def built(lambda_package: Callable[..., Package]) -> Package:
    return lambda_package("decoder")


@pytest.fixture(scope="module")
def package(built: Package) -> Path:
    return built.folder


@pytest.fixture
def env(s3_lake: str, s3_server: S3Server) -> dict[str, str]:
    return {**s3_server.env, "TELEMETRY_LAKE": s3_lake, "AWS_LAMBDA_FUNCTION_NAME": "decoder"}


@pytest.fixture
def store(s3_lake: str, s3_server: S3Server) -> Store:
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    add_dbc(store)
    return store


def created(store: Store, raw: RawObject) -> dict[str, object]:
    return s3_record(BUCKET, f"{store.url.removeprefix(f's3://{BUCKET}/')}/{raw.key}")


def test_the_package_holds_everything_and_fits(built: Package, package: Path) -> None:
    assert "unzipped of 250.0 MB" in built.size_line
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    assert 50 * MB < size <= 250 * 1024 * 1024
    assert package.with_name(f"{package.name}.zip").stat().st_size < size
    ours = {
        path.relative_to(package / "telemetry_pipeline").parts[0]
        for path in (package / "telemetry_pipeline").rglob("*.py")
    }
    assert {"lambda_handler.py", "decode", "lake"} <= ours
    assert not {"cli", "defs", "spark_job.py"} & ours


def test_ten_megabytes_are_decoded_within_the_memory_of_a_function(
    built: Package,
    lambda_package: Callable[..., Package],
    env: dict[str, str],
    store: Store,
    tmp_path: Path,
    measured: Callable[[str], None],
) -> None:
    ids = [message.frame_id for message in cantools.database.load_file(EV_DBC).messages]
    raw = RawObject.starting("EV_001", NOON)
    body = parquet.write_raw(busy_frames(FRAMES, NOON, ids))
    assert 10 * MB <= len(body) < 15 * MB
    twin = Store.open(tmp_path.as_uri())
    add_dbc(twin)
    for lake in (store, twin):
        lake.put(raw.key, body)

    ran = invoke_package(built.folder, [s3_event(created(store, raw))], env)
    assert ran.strangers == []
    assert lacking(lambda_package("decoder", "arm64").folder, ran.modules) == []
    measured(f"decoder package, here, an object of 10 MB: {ran.cold_start}")
    (answer,) = ran.answers
    assert answer["answer"]["FramesDecoded"] == FRAMES
    assert ran.peak_mb <= MEMORY_MB
    assert [line["event"] for line in ran.log] == ["object", "invocation"]

    (outcome,) = process_objects(twin, Databases.load(twin), [raw])
    assert outcome.report is not None
    assert store.get(raw.decoded_key) == twin.get(raw.decoded_key)


def test_a_hundred_events_at_once_end_with_each_object_decoded_once(
    package: Path, env: dict[str, str], store: Store
) -> None:
    raws = [land(store, f"EV_{k % 7}", NOON + k * 60 * SECOND) for k in range(70)]
    events = [s3_event(created(store, raw)) for raw in [*raws, *raws[:30]]]
    ran = invoke_package(package, events, env, threads=16)
    assert [answer for answer in ran.answers if "error" in answer] == []
    receipts = [info.key for info in store.list_objects(layout.DECODED)]
    assert sorted(receipts) == sorted(raw.decoded_key for raw in raws)
    days = {raw.partition for raw in raws}
    assert sum(partition_total(store, day).rows for day in days) == 70 * 100
    assert not any(ledger.read_ledger(store, day).pending for day in days)

    # the same hundred as messages of one batch, with ten objects more: only those are work
    more = [land(store, "EV_9", NOON + k * 60 * SECOND) for k in range(10)]
    bodies = [*events, *[s3_event(created(store, raw)) for raw in [*more, *more]]]
    batch = sqs_event(**{f"message-{number}": body for number, body in enumerate(bodies)})
    (answer,) = invoke_package(package, [batch], env).answers
    assert answer["answer"] == {"batchItemFailures": []}
    assert partition_total(store, more[0].partition).rows == 10 * 100
