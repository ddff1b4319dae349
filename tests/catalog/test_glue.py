"""The catalogue on a real server: moto as a process, with Glue and S3 behind one endpoint."""

import copy
import datetime as dt
import uuid

import boto3
import pytest

from telemetry_pipeline.catalog import glue as verbs
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.projection import projection
from telemetry_pipeline.catalog.sync import register, sync
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, RAW_CAN_FRAMES, TABLES, Table
from telemetry_pipeline.errors import BadSetting, PermanentError, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import NOON, land
from tests.s3_server import S3Server

DAY = dt.date(2026, 2, 23)


def opened(lake: str, endpoint: str, database: str) -> Glue:
    found = open_catalog(lake, database, endpoint_url=endpoint)
    assert found is not None
    return found


@pytest.fixture
def glue(aws_lake: str, aws_server: S3Server) -> Glue:
    return opened(aws_lake, aws_server.endpoint, f"db_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def store(aws_lake: str, aws_server: S3Server) -> Store:
    return Store.open(aws_lake, endpoint_url=aws_server.endpoint)


@pytest.fixture
def client(aws_server: S3Server, aws_lake: str) -> object:
    return boto3.client("glue", endpoint_url=aws_server.endpoint, region_name="us-east-1")


def prefixes(count: int) -> list[str]:
    return [Partition(f"EV_{number:03d}", DAY).prefix(layout.DECODED) for number in range(count)]


def test_tables_are_made_once_and_brought_in_line(glue: Glue, client) -> None:
    assert glue.ensure_database()
    assert not glue.ensure_database()
    assert [glue.ensure_table(table) for table in TABLES] == ["created"] * len(TABLES)
    assert [glue.ensure_table(table) for table in TABLES] == ["unchanged"] * len(TABLES)
    found = client.get_table(DatabaseName=glue.database, Name="decoded_signals")["Table"]
    damaged = {
        key: copy.deepcopy(found[key]) for key in ("Name", "TableType", "PartitionKeys", "StorageDescriptor")
    }
    damaged["StorageDescriptor"]["Columns"].pop()
    damaged["Parameters"] = {**found["Parameters"], "owner": "somebody"}
    client.update_table(DatabaseName=glue.database, TableInput=damaged)
    assert glue.ensure_table(DECODED_SIGNALS) == "updated"
    mended = client.get_table(DatabaseName=glue.database, Name="decoded_signals")["Table"]
    assert mended["StorageDescriptor"]["Columns"] == found["StorageDescriptor"]["Columns"]
    assert mended["Parameters"]["owner"] == "somebody"


def test_a_table_with_other_partition_columns_is_made_anew(glue: Glue) -> None:
    glue.ensure_database()
    old = Table("decoded_signals", DECODED_SIGNALS.columns, DECODED_SIGNALS.prefix, ("vehicle_id",), "")
    assert glue.ensure_table(old) == "created"
    assert glue.ensure_table(DECODED_SIGNALS) == "made anew"
    assert list(glue.partitions(DECODED_SIGNALS)) == []


def test_a_table_of_another_lake_is_not_taken_over(glue: Glue, aws_server: S3Server) -> None:
    glue.ensure_database()
    glue.ensure_table(DECODED_SIGNALS)
    other = opened("s3://bucket/other", aws_server.endpoint, glue.database)
    with pytest.raises(BadSetting, match="TELEMETRY_CATALOG"):
        other.ensure_table(DECODED_SIGNALS)


def test_partitions_come_in_batches_and_may_come_again(glue: Glue, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    create = glue._client.batch_create_partition

    def counted(**request):
        calls.append(len(request["PartitionInputList"]))
        return create(**request)

    monkeypatch.setattr(glue._client, "batch_create_partition", counted)
    first = register(glue, DECODED_SIGNALS, prefixes(250))
    assert (len(first.created), first.existing, first.failed) == (250, [], {})
    assert calls == [100, 100, 50]
    second = register(glue, DECODED_SIGNALS, prefixes(260))
    assert (len(second.created), len(second.existing), second.failed) == (10, 250, {})


def test_partitions_are_found_by_expressions(glue: Glue) -> None:
    register(glue, DECODED_SIGNALS, prefixes(3))
    register(glue, DECODED_SIGNALS, [Partition("EV_001", DAY.replace(month=3)).prefix(layout.DECODED)])

    def found(expression: str) -> list[list[str]]:
        return sorted(item["Values"] for item in glue.partitions(DECODED_SIGNALS, expression))

    assert found("vehicle_id='EV_001'") == [["EV_001", "2026", "02", "23"], ["EV_001", "2026", "03", "23"]]
    assert found("year='2026' AND month='03'") == [["EV_001", "2026", "03", "23"]]
    assert found("vehicle_id IN ('EV_000', 'EV_002') AND day > '22'") == [
        ["EV_000", "2026", "02", "23"],
        ["EV_002", "2026", "02", "23"],
    ]
    (one,) = glue.partitions(DECODED_SIGNALS, "vehicle_id='EV_000'")
    prefix = Partition("EV_000", DAY).prefix(layout.DECODED)
    assert one["StorageDescriptor"]["Location"] == f"{glue.lake}/{prefix}"


def test_more_partitions_than_a_page_holds_are_all_found(glue: Glue, monkeypatch: pytest.MonkeyPatch) -> None:
    register(glue, DECODED_SIGNALS, prefixes(30))
    pages = []
    real = glue._client.get_partitions

    def paged(**request):
        """Moto gives everything at once: cut into pages as Glue does, so that the paginator has work."""
        everything = real(**{k: v for k, v in request.items() if k != "NextToken"})["Partitions"]
        start = int(request.get("NextToken") or 0)
        pages.append(start)
        more = {"NextToken": str(start + 7)} if start + 7 < len(everything) else {}
        return {"Partitions": everything[start : start + 7], **more}

    paginator = glue._client.get_paginator("get_partitions")
    monkeypatch.setattr(paginator, "_method", paged)
    monkeypatch.setattr(glue._client, "get_paginator", lambda _: paginator)
    assert len(list(glue.partitions(DECODED_SIGNALS))) == 30
    assert pages == [0, 7, 14, 21, 28]


def test_what_glue_refuses_alone_is_tried_again_and_then_said(
    glue: Glue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moto never refuses one entry of a batch but for being there: the refusals are put in here."""
    wanted = prefixes(5)
    register(glue, DECODED_SIGNALS, [])
    create = glue._client.batch_create_partition
    tries: dict[str, int] = {}

    def flaky(**request):
        passed, errors = [], []
        for item in request["PartitionInputList"]:
            vehicle = item["Values"][0]
            tries[vehicle] = tries.get(vehicle, 0) + 1
            refused = vehicle == "EV_004" or (vehicle == "EV_001" and tries[vehicle] == 1)
            error = {"ErrorCode": "InternalServiceException", "ErrorMessage": "try later"}
            (errors if refused else passed).append(
                {"PartitionValues": item["Values"], "ErrorDetail": error} if refused else item
            )
        answer = create(**{**request, "PartitionInputList": passed}) if passed else {"Errors": []}
        return {"Errors": [*answer.get("Errors", []), *errors]}

    monkeypatch.setattr(glue._client, "batch_create_partition", flaky)
    done = glue.create(DECODED_SIGNALS, wanted)
    assert sorted(done.created) == wanted[:4]
    assert done.failed == {wanted[4]: "InternalServiceException: try later"}
    assert (tries["EV_001"], tries["EV_004"], tries["EV_000"]) == (2, verbs.ROUNDS, 1)


def test_what_glue_does_not_forget_is_said(glue: Glue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto forgets whatever is there: the refusal is put in here."""
    register(glue, DECODED_SIGNALS, prefixes(2))
    gone, kept, never = ((f"EV_{number:03d}", "2026", "02", "23") for number in range(3))
    delete = glue._client.batch_delete_partition

    def grudging(**request):
        wanted = request.pop("PartitionsToDelete")
        answer = delete(**request, PartitionsToDelete=[item for item in wanted if item["Values"] != [*kept]])
        detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "try later"}
        return {"Errors": [*answer.get("Errors", []), {"PartitionValues": [*kept], "ErrorDetail": detail}]}

    monkeypatch.setattr(glue._client, "batch_delete_partition", grudging)
    refused = glue.delete(DECODED_SIGNALS, [gone, kept, never])
    assert refused == {"EV_001/2026/02/23": "InternalServiceException: try later"}
    assert [tuple(item["Values"]) for item in glue.partitions(DECODED_SIGNALS)] == [kept]


def test_the_whole_catalogue_is_made_from_the_lake(glue: Glue, store: Store, client) -> None:
    raws = [land(store, vehicle, NOON + n * DAY_NS) for vehicle in ("EV_1", "EV_2") for n in (0, 1)]
    done = {item.table: item for item in sync(glue, store)}
    assert (done["raw_can_frames"].partitions, done["raw_can_frames"].created) == (4, 4)
    again = {item.table: item for item in sync(glue, store)}
    assert {(item.change, item.created, item.updated, item.removed) for item in again.values()} == {
        ("unchanged", 0, 0, 0)
    }
    # everything that may go wrong with a catalogue at once: lost, strange, misplaced, forgotten
    client.batch_delete_partition(
        DatabaseName=glue.database,
        TableName="raw_can_frames",
        PartitionsToDelete=[{"Values": ["EV_1", "2026", "02", "23"]}],
    )
    glue.create(RAW_CAN_FRAMES, [Partition("EV_9", DAY).prefix(layout.RAW)])
    moved = next(iter(glue.partitions(RAW_CAN_FRAMES, "vehicle_id='EV_2' AND day='24'")))
    descriptor = {**moved["StorageDescriptor"], "Location": "s3://elsewhere/"}
    client.update_partition(
        DatabaseName=glue.database,
        TableName="raw_can_frames",
        PartitionValueList=moved["Values"],
        PartitionInput={"Values": moved["Values"], "StorageDescriptor": descriptor},
    )
    client.delete_table(DatabaseName=glue.database, Name="decoded_signals")
    mended = {item.table: item for item in sync(glue, store)}
    raw = mended["raw_can_frames"]
    assert (raw.change, raw.partitions, raw.created, raw.updated, raw.removed) == ("unchanged", 4, 1, 1, 1)
    assert mended["decoded_signals"].change == "created"
    places = {item["StorageDescriptor"]["Location"] for item in glue.partitions(RAW_CAN_FRAMES)}
    assert places == {f"{glue.lake}/{raw.partition.prefix(layout.RAW)}" for raw in raws}


def test_glue_takes_a_table_with_projection(glue: Glue) -> None:
    glue.ensure_database()
    extra = projection(DECODED_SIGNALS, glue.lake, (2024, 2030))
    assert glue.ensure_table(DECODED_SIGNALS, extra) == "created"
    found = glue.table("decoded_signals")
    assert found is not None
    assert extra.items() <= found["Parameters"].items()
    assert glue.ensure_table(DECODED_SIGNALS, extra) == "unchanged"
    assert glue.ensure_table(DECODED_SIGNALS) == "unchanged"  # a sync leaves the projection on


def test_what_goes_wrong_is_told_apart(glue: Glue, aws_server: S3Server) -> None:
    with pytest.raises(BadSetting, match="telemetry catalog sync"):
        list(glue.partitions(DECODED_SIGNALS))
    with pytest.raises(PermanentError, match=r"telemetry_db|db_"):
        glue.create(DECODED_SIGNALS, prefixes(1))
    away = opened(glue.lake, "http://127.0.0.1:9", "x")
    away._client.meta.config.retries["max_attempts"] = 0
    with pytest.raises(TransientError, match="Glue does not answer"):
        away.table("decoded_signals")


def test_a_folder_has_no_catalogue_and_neither_has_who_wants_none() -> None:
    assert open_catalog("file:///lake", "telemetry_db") is None
    assert open_catalog("s3://bucket", "none") is None
