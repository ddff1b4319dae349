"""The rows of Dagster's role against everything that its jobs and sensors ask for: none without its row, no row in vain.

The definitions run in this process over a lake of moto's, with its queue, its catalogue, its topic and a bucket of logs.
The launcher's calls are `test_runs`' business, those of work that is sent away `test_sent_calls`', and how the queue and
the catalogue are asked `test_catalog_calls`'.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from infra import permissions
from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import checks, retention, roll_up, staleness
from telemetry_pipeline.defs.assets import DECODED_SIGNALS, MISSED
from telemetry_pipeline.defs.jobs import DRAIN, RECONCILE
from telemetry_pipeline.defs.lineage import GLUE_PARTITIONS
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from tests.infra.clients import Calls, calls_of_clients
from tests.infra.conftest import ROOT
from tests.infra.test_calls import BUCKET, DELETED, RULES, aws, calls, granted, without_request, without_row
from tests.moto_server import Aws
from tests.raw_lake import NOON, SECOND, add_dbc, land

__all__ = ["aws", "calls_of_clients"]

pytestmark = pytest.mark.slow

LOGS = "logs"
LOG = ["a-run", "compute_logs", "a-step"]
IAM = {
    "HeadObject": "GetObject",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "DeleteObjects": "DeleteObject",
}
"""As IAM names calls of S3."""


@pytest.fixture
def deletions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every key that this process deletes from the lake: no log of a server has it."""
    seen: list[str] = []
    whole = Store.delete

    def delete(store: Store, key: str) -> None:
        seen.append(key)
        whole(store, key)

    monkeypatch.setattr(Store, "delete", delete)
    return seen


@pytest.fixture
def settings(aws: Aws) -> Settings:
    """A lake whose queue is told of what lands, a catalogue as the stacks make it, and a topic."""
    sqs, s3 = aws.client("sqs"), aws.client("s3")
    s3.create_bucket(Bucket=LOGS)
    queue = sqs.create_queue(QueueName="landing")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    only_raw = {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{layout.RAW}/"}]}}
    told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": only_raw}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [told]}
    )
    found = Settings(
        lake=f"s3://{BUCKET}",
        endpoint_url=aws.endpoint,
        inbox_queue=queue,
        alert_topic=aws.client("sns").create_topic(Name="alarms")["TopicArn"],
    )
    glue = open_catalog(found.lake, found.catalog, endpoint_url=aws.endpoint)
    assert glue is not None
    for _ in sync(glue, Store.open(found.lake, endpoint_url=aws.endpoint)):
        pass
    return found


class Room:
    """The lake's definitions in an instance, whose daemon is the test."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.store = Store.open(settings.lake, endpoint_url=settings.endpoint_url)
        self.instance = instance
        self.defs = build_definitions(settings)
        self.cursors: dict[str, str | None] = {}

    def look(self) -> None:
        """Every sensor looks once."""
        repository = self.defs.get_repository_def()
        for sensor in repository.sensor_defs:
            with dg.build_sensor_context(
                instance=self.instance,
                resources=self.defs.resources,
                cursor=self.cursors.get(sensor.name),
                repository_def=repository,
            ) as context:
                found = sensor(context)
            if isinstance(found, dg.SensorResult):
                self.cursors[sensor.name] = found.cursor
                for event in found.asset_events:
                    self.instance.report_runless_asset_event(event)

    def run(self, job: str, **config: Any) -> None:
        ops = {"ops": {name: {"config": of} for name, of in config.items()}} if config else None
        done = self.defs.resolve_job_def(job).execute_in_process(run_config=ops, instance=self.instance)
        assert done.success

    def backfill(self, raw: RawObject, asset: dg.AssetKey) -> None:
        job = self.defs.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(
            instance=self.instance, partition_key=to_key(raw.partition), asset_selection=[asset]
        ).success


@pytest.fixture
def room(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """The definitions, with the logs of runs where the stacks have them."""
    shipped = yaml.safe_load((ROOT / "deploy" / "instance" / "ecs.yaml").read_text())["compute_logs"]
    shipped["config"] |= {"local_dir": str(tmp_path / "captured")}
    monkeypatch.setenv("DAGSTER_LOG_BUCKET", LOGS)
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides={"compute_logs": shipped}) as instance:
        yield Room(settings, instance)


def work(room: Room) -> None:
    """A day of Dagster's: everything that its definitions can be asked to do, and what goes wrong there."""
    add_dbc(room.store)
    room.store.put(layout.RULES, RULES.encode())
    raws = [land(room.store, "EV_1", NOON + nth * 2 * SECOND) for nth in range(2)]
    broken = RawObject.starting("EV_2", NOON)
    room.store.put(broken.key, b"no Parquet")
    drain = {"linger_s": 0.0, "processes": 1}
    room.run(DRAIN, decoded_signals=drain)
    days = {"days": [raws[0].partition.date.isoformat()]}
    both = {"compact_days": days, "fleet_days": days}
    room.run(roll_up.ROLL_UP, **both)
    room.look()
    # what comes late takes the place of what was made before; what a rule no longer finds goes
    land(room.store, "EV_1", NOON + 4 * SECOND)
    room.store.put(layout.RULES, RULES.replace("> 50", "> 1000000").encode())
    for raw, asset in ((raws[0], DECODED_SIGNALS), (broken, DECODED_SIGNALS), (raws[0], GLUE_PARTITIONS)):
        room.backfill(raw, asset)
    room.run(roll_up.ROLL_UP, **both)
    room.run(RECONCILE, decoded_signals={**drain, "source": MISSED})
    for job in (staleness.JOB, checks.JOB, retention.RETENTION):
        room.run(job)
    room.look()


def test_dagster_may_do_what_it_does_and_does_what_it_may(
    aws: Aws,
    settings: Settings,
    room: Room,
    calls_of_clients: Calls,
    deletions: list[str],
    tmp_path: Path,
) -> None:
    aws.client("sqs").send_message(QueueUrl=settings.inbox_queue, MessageBody="nobody understands it")
    calls_of_clients.clear()
    log = tmp_path / "moto.log"
    before = len(log.read_text())
    work(room)
    assert log.read_text()[before:].count(f"POST /{BUCKET}?delete") == len(deletions), "a key is not known"
    sent = calls(log, before) - {("s3:DeleteObject", DELETED)}
    sent |= {("s3:DeleteObject", key) for key in deletions}
    # what vehicles, and who looks after databases, wrote for this test
    sent -= {it for it in sent if it[0] == "s3:PutObject" and it[1].startswith((layout.RAW, layout.DBC))}
    rows = granted(permissions.CONTROL_ROOM)
    assert without_row(sent, rows) == []
    assert without_request(sent, rows) == []
    for row in rows:
        assert without_row(sent, rows - {row}), f"{row} could be taken away and nothing would miss it"
    by_clients = {name for name, _ in calls_of_clients}
    others = {action for need in permissions.CONTROL_ROOM for action in need.actions}
    assert {name for name in by_clients if name.startswith("sns:")} == {"sns:Publish"} <= others


def test_logs_of_runs_are_written_read_and_removed_by_their_rows(
    room: Room, calls_of_clients: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = room.instance.compute_log_manager
    calls_of_clients.clear()
    with logs.capture_logs(LOG):
        print("a line of the run's log")
    logs.local_manager.delete_logs(log_key=LOG)  # the pages are another task's
    assert b"a line of the run's log" in (logs.get_log_data(LOG).stdout or b"")
    retention._remove(room.instance, room.store, LOG[0])
    assert not logs.get_log_data(LOG).stdout
    sent = set()
    for name, given in calls_of_clients:
        assert given["Bucket"] == LOGS
        action = name.removeprefix("s3:")
        keys = [given.get("Key", "")] + [it["Key"] for it in given.get("Delete", {}).get("Objects", ())]
        sent |= {(f"s3:{IAM.get(action, action)}", key) for key in keys if key or "Key" not in given}
    sent -= {("s3:DeleteObject", "")}
    rows = granted(permissions.CONTROL_ROOM, "run_logs")
    assert without_row(sent, rows) == []
    assert without_request(sent, rows) == []
    for row in rows:
        assert without_row(sent, rows - {row}), f"{row} could be taken away and nothing would miss it"
