"""The rows about Glue and the queue against the calls that the code really sends: none without its row, no row without a call.

Calls are seen where boto3 makes them; moto answers. What a stack makes itself (tables, queue) is there before.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from infra import permissions
from infra.permissions import Need
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.recent import BY_DAY, sync_recent
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, SIGNAL_OVERVIEW, partition_input
from telemetry_pipeline.inbox.queue import Queue
from tests.moto_server import Aws, Landing, make_landing, moto_running
from tests.raw_lake import NOON, land

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with moto_running(tmp_path_factory.mktemp("moto")) as found:
        yield found


@pytest.fixture
def landing(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Landing:
    for name, value in aws.env().items():
        monkeypatch.setenv(name, value)
    return make_landing(aws, prefix="lake")


def watched(client: Any) -> set[str]:
    """The actions of all calls that a client makes from now on."""
    service = client.meta.service_model.service_name
    seen: set[str] = set()
    client.meta.events.register(
        f"before-call.{service}", lambda model, **_: seen.add(f"{service}:{model.name}")
    )
    return seen


def granted(needs: tuple[Need, ...], service: str) -> set[str]:
    return {action for need in needs for action in need.actions if action.startswith(f"{service}:")}


def test_the_catalogue_is_kept_by_its_rows_and_needs_each(aws: Aws, landing: Landing) -> None:
    client = aws.client("glue")
    glue = Glue(client, landing.store.url, "telemetry_db")
    for _ in sync(glue, landing.store, (DECODED_SIGNALS,)):
        pass
    seen = watched(client)
    raw = land(landing.store, "EV_1")
    landing.store.put(raw.decoded_key, b"-")
    assert [item.created for item in sync(glue, landing.store, (DECODED_SIGNALS,))] == [1]
    # an older release's columns
    found = client.get_table(DatabaseName="telemetry_db", Name="decoded_signals")["Table"]
    storage = {**found["StorageDescriptor"], "Columns": found["StorageDescriptor"]["Columns"][:-1]}
    older = {name: found[name] for name in ("Name", "PartitionKeys", "TableType", "Parameters")}
    client.update_table(DatabaseName="telemetry_db", TableInput={**older, "StorageDescriptor": storage})
    for partition in glue.partitions(DECODED_SIGNALS):
        place = {**storage, "Location": partition["StorageDescriptor"]["Location"]}
        client.update_partition(
            DatabaseName="telemetry_db",
            TableName="decoded_signals",
            PartitionValueList=partition["Values"],
            PartitionInput={"Values": partition["Values"], "StorageDescriptor": place},
        )
    seen -= {"glue:UpdatePartition", "glue:UpdateTable"}  # the test's own
    assert [item.updated for item in sync(glue, landing.store, (DECODED_SIGNALS,))] == [1]
    landing.store.delete(raw.decoded_key)
    assert [item.removed for item in sync(glue, landing.store, (DECODED_SIGNALS,))] == [1]
    assert seen == granted(permissions.CONTROL_ROOM, "glue")


def test_the_last_days_are_registered_by_their_rows_and_need_each(aws: Aws, landing: Landing) -> None:
    client = aws.client("glue")
    glue = Glue(client, landing.store.url, "last_days")
    for _ in sync(glue, landing.store, (*BY_DAY, SIGNAL_OVERVIEW)):
        pass
    today = dt.date(2026, 2, 23)
    raw = land(landing.store, "EV_1")
    landing.store.put(raw.decoded_key, b"-")
    # an older release's columns
    prefix = DECODED_SIGNALS.prefix_of(raw.partition)
    older = partition_input(DECODED_SIGNALS, landing.store.url, prefix)
    older["StorageDescriptor"]["Columns"].pop()
    client.create_partition(DatabaseName="last_days", TableName=DECODED_SIGNALS.name, PartitionInput=older)
    seen = watched(client)
    done = {item.table: (item.created, item.updated) for item in sync_recent(glue, landing.store, today)}
    days = {table.name: (1, 0) for table in BY_DAY} | {DECODED_SIGNALS.name: (0, 1)}
    assert done == days | {SIGNAL_OVERVIEW.name: (3, 0)}
    assert seen == granted(permissions.CATALOG, "glue")


def test_the_queue_is_read_by_its_rows_and_needs_each(aws: Aws, landing: Landing) -> None:
    queue = Queue(landing.queue_url)
    seen = watched(queue._client)
    land(landing.store, "EV_1", NOON)
    assert queue.depth() >= 1
    received = queue.receive(hold_s=60, wait_s=5)
    queue.hold([(received[0].handle, 30)])
    queue.delete([received[0].handle])
    batches = {
        "DeleteMessageBatch": "DeleteMessage",
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    }
    # IAM knows the batches by the single call's name
    actions = {f"sqs:{batches.get(name := action.partition(':')[2], name)}" for action in seen}
    assert actions == granted(permissions.CONTROL_ROOM, "sqs")
