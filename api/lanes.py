"""How many threads there are for what: large answers have a few of their own, and the event loop is never starved.

Python runs one thread at a time, and whoever wants to go on waits until all others have had their turn. So of what
computes there are about as many threads as there are processors; of what waits for a bucket or for Athena, more.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio.to_thread
from fastapi import FastAPI

_FOLDER_MAX: Final = 4
"""Numbers are crunched without Python for half of an answer at best: more threads would only take turns."""


@dataclass(frozen=True)
class Lanes:
    """Threads of a service.

    Attributes:
        questions: How many large answers are made at once; further ones wait in their order.
        others: How many threads there are for all else that blocks: lists, listings, pieces of exports.
    """

    questions: int
    others: int

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
        return Lanes(40, 40)
    if lake.startswith("file://"):
        return Lanes(min(max(os.cpu_count() or 1, 2), _FOLDER_MAX), 8)
    return Lanes(8, 24)
