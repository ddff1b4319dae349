"""Large answers are made in turn, in threads of their own, and once for all who ask the same at a time."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request

from api import answering, encode, lanes, query_routes
from api.answering import Answering, Asked, Made
from api.app import create_app
from api.turns import Turns
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.query import patience
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.small_lake import QUERY, fill
from tests.servers import until, wait_until

AT_ONCE = 2


class Work:
    """Answers that are made when they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let_go = threading.Event()
        self.fails = 0

    def make(self, name: str) -> Made:
        self.begun.append(name)
        assert self.let_go.wait(60)
        if self.fails:
            self.fails -= 1
            raise TransientError("it failed", name)
        return Made(name.encode(), "text/plain", True)


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return Request({"type": "http", "headers": raw})


def answering_of(at_once: int) -> Answering:
    return Answering(Turns(at_once, at_once), Turns(8, 8))


def respond(made: Answering, work: Work, name: str, tag: str | None, *, closed: bool = True):
    return asyncio.ensure_future(made.respond(request(), lambda: Asked(tag, closed), lambda: work.make(name)))


@pytest.mark.parametrize("at_once", [1, 2])
def test_so_many_are_made_at_once_and_further_ones_in_their_order(at_once):
    async def run():
        made, work = answering_of(at_once), Work()
        waiting = made._turns._limiter.statistics
        asked = []
        for name in "abcdef":
            asked.append(respond(made, work, name, None))
            # whoever waits is in the line before the next one comes
            await until(lambda: len(work.begun) + waiting().tasks_waiting == len(asked))
        assert sorted(work.begun) == list("abcdef")[:at_once]
        work.let_go.set()
        answers = await asyncio.gather(*asked)
        assert [answer.body for answer in answers] == [b"a", b"b", b"c", b"d", b"e", b"f"]
        if at_once == 1:
            assert work.begun == list("abcdef")

    asyncio.run(run())


def test_who_asks_the_same_waits_for_one_answer():
    async def run():
        made, work = answering_of(AT_ONCE), Work()
        asked = [respond(made, work, "one", 'W/"1"') for _ in range(9)]
        other = respond(made, work, "other", 'W/"2"')
        await until(lambda: len(work.begun) == 2)
        work.let_go.set()
        assert [answer.body for answer in await asyncio.gather(*asked, other)] == [b"one"] * 9 + [b"other"]
        assert sorted(work.begun) == ["one", "other"]
        assert not made._flights

    asyncio.run(run())


def test_when_one_fails_another_tries():
    async def run():
        made, work = answering_of(AT_ONCE), Work()
        work.fails = 1
        asked = [respond(made, work, "one", 'W/"1"') for _ in range(5)]
        await until(lambda: work.begun)
        work.let_go.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, TransientError) for answer in answers) == 1
        assert work.begun == ["one", "one"]

    asyncio.run(run())


def test_whoever_leaves_while_it_waits_takes_no_turn():
    async def run():
        made, work = answering_of(1), Work()
        first = respond(made, work, "first", None)
        await until(lambda: work.begun)
        left = patience.Patience()
        with patience.waiting(left):
            second = respond(made, work, "second", None)
        left.leave()
        work.let_go.set()
        assert (await first).body == b"first"
        with pytest.raises(TransientError, match="nobody waits"):
            await second
        assert work.begun == ["first"]

    asyncio.run(run())


@pytest.mark.parametrize("closed", [True, False])
def test_an_answer_is_kept_whether_or_not_its_range_is_over(closed):
    async def run():
        made, work = answering_of(AT_ONCE), Work()
        work.let_go.set()
        first, second = [await respond(made, work, "one", 'W/"1"', closed=closed) for _ in range(2)]
        assert (first.body, second.body, work.begun) == (b"one", b"one", ["one"])
        assert ("etag" in first.headers, "etag" in second.headers) == (closed, closed)
        assert ("age" in first.headers, "age" in second.headers) == (False, True)

    asyncio.run(run())


def test_nothing_large_is_done_on_the_event_loop(folder_lake, serving, monkeypatch):
    where: dict[str, set[str]] = {}

    def watch(owner, name):
        work = getattr(owner, name)

        def watched(*args, **kwargs):
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop()
                where.setdefault(name, set()).add("loop")
            where.setdefault(name, set()).add("called")
            return work(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    watch(encode, "to_json")
    watch(encode, "to_arrow")
    watch(query_routes, "ask")
    watch(query_routes, "_choices")
    watch(answering.etag, "tag_of")
    watch(ParquetReader, "read")
    watch(ParquetReader, "count")
    fill(folder_lake)
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))
    for accept in ("application/json", encode.ARROW_TYPE):
        answer = client.post("/vehicles/EV_001/query", json=QUERY, headers={"Accept": accept})
        assert answer.status_code == 200
    names = ("to_json", "to_arrow", "ask", "_choices", "tag_of", "read", "count")
    assert where == {name: {"called"} for name in names}


def test_equal_questions_at_a_time_are_read_once(folder_lake, serving, monkeypatch):
    fill(folder_lake)
    let_go, reads = threading.Event(), []
    read = ParquetReader.read

    def waits(*args):
        reads.append(1)
        assert let_go.wait(60)
        return read(*args)

    monkeypatch.setattr(ParquetReader, "read", waits)
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(client.post, "/vehicles/EV_001/query", json=QUERY) for _ in range(6)]
        wait_until(lambda: reads, "the question to be read")
        assert client.get("/health").status_code == 200
        let_go.set()
        answers = [future.result(60) for future in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("lake", "engine", "questions"),
    [("file:///x", "parquet", None), ("s3://x/y", "parquet", 8), ("s3://x/y", "athena", 40)],
)
def test_what_computes_has_few_threads_and_what_waits_has_more(lake, engine, questions):
    found = lanes.lanes_of(lake, engine)
    assert found.questions == questions or (questions is None and 2 <= found.questions <= 4)
    assert found.others >= found.questions
