"""Turns: one at a time while all are quick, and room for others beside who takes long."""

import asyncio
import threading

import pytest

from api import turns
from api.turns import Turns
from telemetry_pipeline.errors import TransientError
from tests.servers import until


class Work:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.let_go = {name: threading.Event() for name in "abcd"}

    def do(self, name: str) -> str:
        self.begun.append(name)
        assert self.let_go[name].wait(60)
        return name


def begin(given: Turns, work: Work, names: str):
    return [asyncio.ensure_future(given.run(lambda name=name: work.do(name))) for name in names]


def test_who_is_quick_is_done_before_the_next_begins(monkeypatch):
    monkeypatch.setattr(turns, "LONG_S", 3600)

    async def run():
        given, work = Turns(1, 3), Work()
        asked = begin(given, work, "abc")
        for number, name in enumerate("abc", 1):
            await until(lambda number=number: len(work.begun) == number)
            assert work.begun == list("abc")[:number]
            work.let_go[name].set()
        assert await asyncio.gather(*asked) == ["a", "b", "c"]

    asyncio.run(run())


def test_who_takes_long_makes_room_for_one_other_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(turns, "LONG_S", 0.01)

    async def run():
        given, work = Turns(1, 2), Work()
        asked = begin(given, work, "abcd")
        await until(lambda: len(work.begun) == 2)
        assert work.begun == ["a", "b"]
        work.let_go["b"].set()  # a still takes its time
        await until(lambda: len(work.begun) == 3)
        assert not asked[0].done()
        for name in "acd":
            work.let_go[name].set()
        assert await asyncio.gather(*asked) == ["a", "b", "c", "d"]
        assert given._limiter.total_tokens == 1

    asyncio.run(run())


def test_who_fails_gives_its_room_back(monkeypatch):
    monkeypatch.setattr(turns, "LONG_S", 0.01)

    async def run():
        given, work = Turns(1, 2), Work()

        def fail() -> str:
            work.do("a")
            raise TransientError("it failed", "a")

        failing = asyncio.ensure_future(given.run(fail))
        await until(lambda: given._limiter.total_tokens == 2)
        work.let_go["a"].set()
        with pytest.raises(TransientError):
            await failing
        assert given._limiter.total_tokens == 1

    asyncio.run(run())
