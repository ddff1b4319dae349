"""Queries are run, counted, bounded, stopped and reused; how they end is an error of ours."""

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from telemetry_pipeline.errors import PermanentError, TooLarge, TransientError
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.query import patience
from telemetry_pipeline.query.athena.runner import Runner, Target
from telemetry_pipeline.query.athena.statement import Statement
from tests.decoded_lake import put_decoded
from tests.doubles.athena.running import AthenaLake, AthenaServer, make_lake
from tests.moto_server import ENV
from tests.servers import wait_until

pytestmark = pytest.mark.slow

DAY = Partition("VIN_1", dt.date(2026, 12, 31))
SQL = 'SELECT "timestamp" AS t, unit AS last FROM decoded_signals WHERE vehicle_id = ?'
ASKED = Statement(SQL, ("'VIN_1'",), "last", closed=False)


@pytest.fixture(scope="module")
def lake(athena_server: AthenaServer) -> Iterator[AthenaLake]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENV, "AWS_ENDPOINT_URL": athena_server.endpoint}.items():
            patch.setenv(name, value)
        made = make_lake(athena_server)
        put_decoded(
            made.store, DAY, "a", {("Drive", "Speed"): ([DAY.start_ns, DAY.start_ns + 1], [1.0, 2.0])}
        )
        made.register()
        yield made


@pytest.fixture(autouse=True)
def _reachable(athena_server: AthenaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENV, "AWS_ENDPOINT_URL": athena_server.endpoint}.items():
        monkeypatch.setenv(name, value)


def runner_of(lake: AthenaLake, **target: object) -> Runner:
    where = Target(lake.database, **({"workgroup": lake.workgroup} | target))  # type: ignore[arg-type]
    return Runner(lake.server.session(), where, endpoint_url=lake.server.endpoint)


def test_rows_and_what_they_cost_come_back(lake: AthenaLake) -> None:
    fetched = runner_of(lake).run(ASKED)
    assert sorted(fetched.frame["t"]) == [DAY.start_ns, DAY.start_ns + 1]
    assert fetched.frame.columns == ["t", "unit"]
    (query,) = lake.queries()
    assert query["WorkGroup"] == lake.workgroup
    assert query["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{lake.workgroup}/results/")
    assert fetched.bytes_scanned == query["Statistics"]["DataScannedInBytes"] > 0
    assert fetched.rows_scanned == 2


def test_rows_that_athena_does_not_count_in_time_are_unknown(lake: AthenaLake) -> None:
    late = lake.server.folder / "no-rows"
    late.touch()
    try:
        assert runner_of(lake).run(ASKED).rows_scanned is None
    finally:
        late.unlink()


def test_an_answer_of_nothing_is_empty(lake: AthenaLake) -> None:
    assert runner_of(lake).run(Statement(SQL, ("'VIN_9'",), "last", closed=False)).frame.height == 0


def test_results_go_where_the_setting_says(lake: AthenaLake) -> None:
    runner_of(lake, output=f"s3://{lake.workgroup}/elsewhere/").run(ASKED)
    assert lake.queries()[-1]["ResultConfiguration"]["OutputLocation"].startswith(
        f"s3://{lake.workgroup}/elsewhere/"
    )


def test_a_former_result_is_taken_for_what_is_closed_alone(lake: AthenaLake) -> None:
    closed = Statement(SQL.replace("last", "closed"), ("'VIN_1'",), "closed", closed=True)
    runner = runner_of(lake)
    assert runner.run(closed).bytes_scanned > 0
    again = runner.run(closed)
    assert (again.bytes_scanned, again.frame.height) == (0, 2)
    for _ in range(2):
        assert runner.run(ASKED).bytes_scanned > 0
        assert runner_of(lake, output=f"s3://{lake.workgroup}/own/").run(closed).bytes_scanned > 0


def test_a_question_that_takes_too_long_is_stopped(lake: AthenaLake) -> None:
    lake.server.order({"delay_s": 300})
    with pytest.raises(TransientError, match="no answer within 1 s"):
        runner_of(lake, timeout_s=1.0).run(ASKED)
    assert lake.queries()[-1]["Status"]["State"] == "CANCELLED"


def test_a_question_that_nobody_waits_for_is_stopped(lake: AthenaLake) -> None:
    lake.server.order({"delay_s": 300})
    known = len(lake.queries())
    asker = patience.Patience()

    def leave() -> None:
        wait_until(lambda: len(lake.queries()) > known, "the query to begin")
        asker.leave()

    thread = threading.Thread(target=leave)
    thread.start()
    with patience.waiting(asker), pytest.raises(TransientError, match="nobody waits"):
        runner_of(lake).run(ASKED)
    thread.join()
    assert lake.queries()[-1]["Status"]["State"] == "CANCELLED"


def test_so_many_run_at_once_and_the_others_wait_their_turn(lake: AthenaLake) -> None:
    runner = runner_of(lake, parallel=2, timeout_s=120.0)
    lake.server.order(*[{"delay_s": 300}] * 2)
    known = len(lake.queries())

    def begun() -> list[str]:
        return [query["QueryExecutionId"] for query in lake.queries()[known:]]

    with ThreadPoolExecutor(4) as pool:
        first = [pool.submit(runner.run, ASKED) for _ in range(2)]
        wait_until(lambda: len(begun()) == 2, "two queries to begin")
        others = [pool.submit(runner.run, ASKED) for _ in range(2)]
        looks = [begun() for _ in range(20)]
        assert all(len(look) == 2 for look in looks)
        for query in looks[-1]:
            lake.server.client("athena").stop_query_execution(QueryExecutionId=query)
        for item in first:
            with pytest.raises(TransientError, match="was cancelled"):
                item.result(timeout=120)
        assert all(item.result(timeout=120).frame.height == 2 for item in others)
    assert len(begun()) == 4


def test_whoever_waits_for_a_turn_in_vain_is_told(lake: AthenaLake) -> None:
    runner = runner_of(lake, parallel=1, timeout_s=300.0)
    lake.server.order({"delay_s": 300})
    known = len(lake.queries())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(runner.run, ASKED)
        wait_until(lambda: len(lake.queries()) > known, "the first query to begin")
        with patience.waiting(patience.Patience(0.5)), pytest.raises(TransientError, match="may run at once"):
            runner.run(ASKED)
        query = lake.queries()[-1]["QueryExecutionId"]
        lake.server.client("athena").stop_query_execution(QueryExecutionId=query)
        with pytest.raises(TransientError, match="was cancelled"):
            first.result(timeout=120)
    assert len(lake.queries()) == known + 1


def test_a_throttled_call_is_tried_again(lake: AthenaLake) -> None:
    lake.server.order({"throttle": True})
    assert runner_of(lake).run(ASKED).frame.height == 2


def test_one_that_stays_throttled_is_transient(lake: AthenaLake) -> None:
    lake.server.order(*[{"throttle": True}] * 40)
    with pytest.raises(TransientError, match="Rate exceeded"):
        runner_of(lake).run(ASKED)
    lake.server.order()


@pytest.mark.parametrize(
    ("order", "kind", "word"),
    [
        ({"fail": {"reason": "GENERIC_INTERNAL_ERROR: x", "category": 1}}, TransientError, "INTERNAL"),
        ({"fail": {"reason": "Access Denied (S3)", "category": 2}}, PermanentError, "policy"),
        ({"fail": {"reason": "anything", "category": 2}}, PermanentError, "refuses"),
        ({"cancel": "Query cancelled! : Bytes scanned limit was exceeded"}, TooLarge, "Bytes scanned"),
        ({"cancel": "by an administrator"}, TransientError, "administrator"),
    ],
)
def test_a_query_without_a_result(lake: AthenaLake, order: dict, kind: type[Exception], word: str) -> None:
    lake.server.order(order)
    with pytest.raises(kind, match=word) as caught:
        runner_of(lake).run(ASKED)
    assert "Athena query" in str(caught.value)


def test_a_workgroup_that_is_not_there_names_its_setting(lake: AthenaLake) -> None:
    with pytest.raises(PermanentError, match="TELEMETRY_ATHENA_WORKGROUP"):
        runner_of(lake, workgroup="nobody").run(ASKED)


def test_a_database_that_is_not_there_says_how_to_make_it(lake: AthenaLake) -> None:
    where = Target("nothing", lake.workgroup)
    with pytest.raises(PermanentError, match="telemetry catalog sync"):
        Runner(lake.server.session(), where, endpoint_url=lake.server.endpoint).run(ASKED)


def test_a_server_that_is_away_is_transient() -> None:
    target = Target("db", "group")
    session = boto3.session.Session("a", "b", region_name="us-east-1")
    runner = Runner(session, target, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="does not answer"):
        runner.run(ASKED)
