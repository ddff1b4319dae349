"""The rows about work that Dagster sends away, at both its ends, against what each really asks for.

The far end runs in this process, while the near end waits for it: a function by its handler, Spark's job without Spark,
with what an executor does to its keys. So the log of moto's requests falls into what each end has sent.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from infra import permissions
from infra.permissions import Need
from telemetry_pipeline import lambda_handler, spark_job
from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs.assets import DECODED_SIGNALS
from telemetry_pipeline.defs.partitions import to_key
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.pipes import outcome_from_dict
from telemetry_pipeline.process import Outcome
from telemetry_pipeline.settings import Settings
from tests.defs.draining import drain
from tests.infra.clients import Calls, calls_of_clients
from tests.infra.test_calls import (
    BUCKET,
    DELETED,
    RULES,
    aws,
    calls,
    granted,
    without_request,
    without_row,
)
from tests.moto_server import Aws
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import Answer, Asked, answering

__all__ = ["aws", "calls_of_clients"]

pytestmark = pytest.mark.slow

SESSIONS = "_state/pipes/"
BEATS = re.compile(r"_state/alive/")
"""The near end shows signs of life while it waits."""


@pytest.fixture
def store(aws: Aws) -> Store:
    """A lake with two objects that wait, one of which is no Parquet."""
    store = Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)
    add_dbc(store)
    store.put(layout.RULES, RULES.encode())
    land(store, "EV_1")
    store.put(RawObject.starting("EV_1", NOON + 5 * SECOND).key, b"no Parquet")
    return store


class FarEnd:
    """What is sent between a call's arrival at the far end and its answer."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.sent: set[tuple[str, str]] = set()

    @contextmanager
    def working(self) -> Iterator[None]:
        before = len(self._log.read_text())
        yield
        self.sent |= {call for call in calls(self._log, before) if not BEATS.match(call[1])}


@pytest.fixture
def far(tmp_path: Path) -> FarEnd:
    return FarEnd(tmp_path / "moto.log")


def of_sessions(needs: tuple[Need, ...]) -> set[tuple[str, str]]:
    """The rows that a role has for sessions of Dagster's; the decoder's others are `test_calls`' business."""
    return granted(needs) - granted(permissions.DECODES)


def held(sent: set[tuple[str, str]], needs: tuple[Need, ...]) -> None:
    """Every request has its row, and of the rows about sessions none is in vain."""
    assert without_row(sent, granted(needs)) == []
    rows = of_sessions(needs)
    assert rows
    assert without_request(sent, rows) == []
    for row in rows:
        assert without_row(sent, granted(needs) - {row}), f"{row} could be taken away"


def sent_by_the_near_end(log: Path, far: FarEnd) -> set[tuple[str, str]]:
    everything = calls(log, 0) - {("s3:DeleteObject", DELETED)}
    return {call for call in everything if call[1].startswith(SESSIONS)} - far.sent


def test_a_function_that_dagster_invokes_is_held_by_its_rows(
    aws: Aws, store: Store, far: FarEnd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(lake=store.url, endpoint_url=aws.endpoint, decoder="lambda:decoder")
    worker = lambda_handler.Worker(settings)
    invoked: list[str] = []

    class Client:
        """The only call of the service that is made: anything else would be missing here."""

        def invoke(self, **sent: Any) -> dict[str, Any]:
            invoked.append(sent["FunctionName"])
            with far.working():
                answer = worker.run_for_dagster(json.loads(sent["Payload"]), None)
            body = SimpleNamespace(read=lambda: json.dumps(answer).encode())
            return {"Payload": body, "LogResult": "", "ResponseMetadata": {}}

    monkeypatch.setattr("telemetry_pipeline.defs.dispatch._lambda_client", Client)
    with dg.DagsterInstance.ephemeral() as instance:
        assert drain(settings, instance).success
    assert invoked == ["decoder"]
    held(far.sent, permissions.SENT_TO)
    assert {action for need in permissions.SENDS_TO_LAMBDA for action in need.actions} == {
        "lambda:InvokeFunction"
    }
    near = sent_by_the_near_end(tmp_path / "moto.log", far)
    assert without_row(near, granted(permissions.CONTROL_ROOM)) == []


def without_spark(settings: Settings, raws: list[RawObject], *, details: bool = False) -> list[Outcome]:
    """What executors do, by one of them."""
    keys = pa.RecordBatch.from_pylist([{"raw_key": raw.key} for raw in raws])
    rows = spark_job._decode_batches(iter([keys]), settings, details)
    return [outcome_from_dict(json.loads(it)) for row in rows for it in row.column("outcome").to_pylist()]


def test_a_job_of_glue_is_started_watched_and_stopped_by_its_rows(
    aws: Aws,
    store: Store,
    far: FarEnd,
    calls_of_clients: Calls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = ["SUCCEEDED"]

    def glue(asked: Asked) -> Answer:
        action, sent = asked.headers["X-Amz-Target"], json.loads(asked.body)
        said: dict[str, Any] = {"SuccessfulSubmissions": [{"JobRunId": "jr_1"}]}
        if action == "AWSGlue.StartJobRun":
            words = [word for pair in sent["Arguments"].items() for word in pair]
            with far.working(), monkeypatch.context() as job:
                job.setattr("sys.argv", ["spark_job", "--JOB_NAME", sent["JobName"], *words])
                job.setattr(spark_job, "_on_spark", without_spark)
                assert spark_job.main() == 0
            said = {"JobRunId": "jr_1"}
        elif action == "AWSGlue.GetJobRun":
            said = {"JobRun": {"Id": "jr_1", "JobName": sent["JobName"], "JobRunState": states[0]}}
        return Answer(json.dumps(said).encode(), headers={"Content-Type": "application/x-amz-json-1.1"})

    settings = Settings(lake=store.url, endpoint_url=aws.endpoint, decoder="glue:backlog")
    raw = RawObject.starting("EV_1", NOON)
    calls_of_clients.clear()
    with answering(glue) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", endpoint)
        with dg.DagsterInstance.ephemeral() as instance:
            assert drain(settings, instance).success
            held(far.sent, permissions.SPARK)
            # whoever ends a run while the job works ends the job, too
            states[0] = "RUNNING"

            def ended(_: float) -> None:
                raise DagsterExecutionInterruptedError

            monkeypatch.setattr("dagster_aws.pipes.clients.glue.time", SimpleNamespace(sleep=ended))
            job = build_definitions(settings).resolve_implicit_global_asset_job_def()
            job.execute_in_process(
                instance=instance,
                partition_key=to_key(raw.partition),
                asset_selection=[DECODED_SIGNALS],
                raise_on_error=False,
            )
    sent = {name for name, _ in calls_of_clients if name.startswith("glue:")}
    jobs = {action for need in permissions.SENDS_TO_GLUE for action in need.actions}
    catalogue = {action for need in permissions.CONTROL_ROOM for action in need.actions if "glue:" in action}
    assert sent - catalogue == jobs
    near = sent_by_the_near_end(tmp_path / "moto.log", far)
    assert without_row(near, granted(permissions.CONTROL_ROOM)) == []
