"""The rows of the compaction of every night against what it really asks for: none without its row, no row in vain."""

from pathlib import Path
from typing import Any

import pytest

from infra import permissions
from telemetry_pipeline import compact_task
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, partition_input
from telemetry_pipeline.lake.store import Store
from tests.decoded_lake import put_decoded
from tests.infra.test_calls import BUCKET, aws, calls, granted, without_request, without_row
from tests.infra.test_catalog_calls import granted as granted_of
from tests.infra.test_catalog_calls import watched
from tests.moto_server import Aws
from tests.nights import QUIET, SPEED, days, fill

__all__ = ["aws"]


@pytest.mark.slow
def test_the_compaction_may_do_what_it_does_and_does_what_it_may(
    aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)
    client = aws.client("glue")
    glue = Glue(client, store.url, "telemetry_db")
    for _ in sync(glue, store):
        pass  # tables, as the stacks make them
    (day, *_) = days(1)
    fill(store, [day])
    older = partition_input(DECODED_SIGNALS, store.url, DECODED_SIGNALS.prefix_of(day))
    older["StorageDescriptor"]["Columns"].pop()
    client.create_partition(DatabaseName="telemetry_db", TableName=DECODED_SIGNALS.name, PartitionInput=older)
    asked: list[set[str]] = []

    def opened(*args: Any, **more: Any) -> Glue:
        found = open_catalog(*args, **more)
        assert found is not None
        asked.append(watched(found._client))
        return found

    monkeypatch.setattr(compact_task, "open_catalog", opened)
    monkeypatch.setenv("TELEMETRY_LAKE", store.url)
    log = tmp_path / "moto.log"
    before = len(log.read_text())
    assert compact_task.main(list(QUIET)) == 0
    # what came late takes the place of what was made before
    put_decoded(store, day, "late", {SPEED: ([day.start_ns + 7], [1.0])})
    held = {info.key for info in store.list_objects("")}
    assert compact_task.main(list(QUIET)) == 0
    gone = held - {info.key for info in store.list_objects("")}
    sent = {call for call in calls(log, before) if call[0] != "s3:DeleteObject"}
    sent -= {
        (action, key)
        for action, key in sent
        if action == "s3:PutObject" and key.endswith("late_decoded.parquet")
    }
    sent |= {("s3:DeleteObject", key) for key in gone}
    rows = granted(permissions.COMPACTOR)
    assert without_row(sent, rows) == []
    assert without_request(sent, rows) == []
    for row in rows:
        assert without_row(sent, rows - {row}), f"{row} could be taken away and nothing would miss it"
    assert set().union(*asked) == granted_of(permissions.COMPACTOR, "glue")
