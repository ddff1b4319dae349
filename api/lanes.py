"""How many threads there are for what: large answers have a few of their own, and the event loop is never starved.

Python runs one thread at a time, and whoever wants to go on waits until all others have had their turn. So what
computes is done one after the other, in a few threads where it takes long; of what waits for a bucket or for Athena
there are more.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio.to_thread
from fastapi import FastAPI

from api.turns import Turns

_FOLDER_MAX: Final = 4
"""Numbers are crunched without Python for half of an answer at best: more threads would only take turns."""


@dataclass(frozen=True)
class Lanes:
    """Threads of a service.

    Attributes:
        at_once: How many large answers are made at once; further ones wait in their order.
        questions: How many are, when some of them take long.
        others: How many threads there are for all else that blocks: lists, listings, pieces of exports.
    """

    at_once: int
    questions: int
    others: int

    def for_questions(self) -> Turns:
        """Turns of those who make answers."""
        return Turns(self.at_once, self.questions)

    def for_looks(self) -> Turns:
        """Turns of those who look what an answer would be made of."""
        return Turns(min(self.at_once, self.others), self.others)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Give the running service as many threads."""
        del app
        anyio.to_thread.current_default_thread_limiter().total_tokens = self.others
        yield


def lanes_of(lake: str, engine: str) -> Lanes:
    """The threads that suit a lake.

    Args:
        lake: Its URL.
        engine: What answers questions: `parquet` or `athena`.
    """
    if engine == "athena":  # it has a limit of its own, and all that a thread does is wait
        return Lanes(40, 40, 40)
    if lake.startswith("file://"):
        return Lanes(1, min(max(os.cpu_count() or 1, 2), _FOLDER_MAX), 8)
    return Lanes(8, 8, 24)
