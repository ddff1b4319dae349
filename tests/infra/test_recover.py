"""What is lost comes back: versions and delete markers, archived objects, and the catalogue, on a versioned bucket of moto.

How long AWS takes to thaw, and that its clock has seconds alone, is not moto's to show.
"""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import recover
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS
from telemetry_pipeline.lake.store import Store
from tests.infra.recover_lake import BUCKET, make_versioned
from tests.moto_server import Aws, moto_running
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with moto_running(tmp_path_factory.mktemp("moto")) as found:
        make_versioned(found)
        found.client("s3").create_bucket(Bucket="clock")
        yield found


@pytest.fixture
def store(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in aws.env().items():
        monkeypatch.setenv(name, value)
    return Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)


def telemetry(*arguments: str) -> str:
    command = [Path(sys.executable).with_name("telemetry"), *arguments]
    env = {**os.environ, "TELEMETRY_LAKE": f"s3://{BUCKET}"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def now(aws: Aws) -> str:
    """An instant after which the server writes with a later second: S3 dates versions by seconds."""
    s3 = aws.client("s3")

    def second() -> dt.datetime:
        s3.put_object(Bucket="clock", Key="clock", Body=b"-")
        return s3.head_object(Bucket="clock", Key="clock")["LastModified"]

    first = second()
    wait_until(lambda: second() > first, "the next second")
    return first.isoformat()


def contents(store: Store) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list_objects("")}


def test_a_lake_that_was_deleted_and_written_over_is_as_it_was(
    aws: Aws, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    add_dbc(store)
    raws = [land(store, "EV_1", NOON + n * 60 * SECOND) for n in range(3)]
    telemetry("decode", "--pending")
    before, instant = contents(store), now(aws)
    for key in (raws[0].decoded_key, raws[1].key, raws[1].key):  # the second deletion makes another marker
        aws.client("s3").delete_object(Bucket=BUCKET, Key=key)
    store.put(raws[2].decoded_key, b"not what it was")
    store.put(raws[0].key, b"written over")
    aws.client("s3").delete_object(Bucket=BUCKET, Key=raws[0].key)
    store.put("raw/vehicle_id=EV_1/since.parquet", b"younger")
    assert recover.main([BUCKET, "", "--at", instant]) == 0
    assert "2 to copy back, 2 to undelete" in capsys.readouterr().out
    assert contents(store) != before, "nothing is done without --apply"
    assert recover.main([BUCKET, "", "--at", instant, "--apply"]) == 0
    assert "2 copied back, 2 undeleted" in capsys.readouterr().out
    found = contents(store)
    assert found.pop("raw/vehicle_id=EV_1/since.parquet") == b"younger"
    assert found == before
    store.delete("raw/vehicle_id=EV_1/since.parquet")
    telemetry("verify")
    assert recover.main([BUCKET, "", "--at", instant, "--apply"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_histories_that_go_over_pages_are_whole(aws: Aws, store: Store) -> None:
    s3 = aws.client("s3")
    for key in ("paged/a", "paged/b"):
        for body in (b"1", b"2", b"3"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    class Paged:
        """The client with pages of two versions."""

        def get_paginator(self, _: str) -> "Paged":
            return self

        def paginate(self, **where: str) -> Iterator[dict[str, object]]:
            yield from s3.get_paginator("list_object_versions").paginate(
                **where, PaginationConfig={"PageSize": 2}
            )

    histories = dict(recover._histories(Paged(), BUCKET, "paged/"))
    assert {key: len(history) for key, history in histories.items()} == {"paged/a": 3, "paged/b": 3}
    assert all(history[0]["IsLatest"] for history in histories.values())


def test_what_is_archived_is_asked_for_once_and_then_read(
    aws: Aws, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key="raw/cold", Body=b"frames", StorageClass="GLACIER")
    s3.put_object(Bucket=BUCKET, Key="raw/warm", Body=b"frames")
    assert recover.main([BUCKET, "raw/", "--thaw"]) == 0
    assert "1 to thaw" in capsys.readouterr().out
    assert recover.main([BUCKET, "raw/", "--thaw", "--apply", "--days", "3"]) == 0
    assert "1 asked for" in capsys.readouterr().out
    assert recover.main([BUCKET, "raw/", "--thaw", "--apply"]) == 0
    assert any(word in capsys.readouterr().out for word in ("1 readable", "1 on its way"))
    assert store.get("raw/cold") == b"frames"
    for key in ("raw/cold", "raw/warm"):
        store.delete(key)


def test_the_catalogue_is_made_again_from_the_lake_by_one_command(aws: Aws, store: Store) -> None:
    add_dbc(store)
    land(store, "EV_7")
    telemetry("decode", "--pending")
    glue = Glue(aws.client("glue"), store.url, "telemetry_db")
    for _ in sync(glue, store):
        pass
    before = sorted(item["Values"] for item in glue.partitions(DECODED_SIGNALS))
    assert before
    aws.client("glue").delete_database(Name="telemetry_db")
    telemetry("catalog", "sync")
    assert sorted(item["Values"] for item in glue.partitions(DECODED_SIGNALS)) == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--at", "yesterday"], 2), (["--at", "2026-02-23T12:00:00"], 2), (["--thaw"], 1)],
)
def test_what_will_not_do_is_said(
    arguments: list[str], code: int, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store
    assert recover.main(["no-such-bucket", "raw/", *arguments]) == code
    assert capsys.readouterr().err
