"""How a large answer is made: one that is kept if there is one, else in its turn, and once for all who ask it at a time.

What is asked and what an answer says is the endpoints' business. Nothing here runs on the event loop for longer than
it takes to look something up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio
from fastapi import Request
from fastapi.responses import Response

from api import etag
from api.kept import Answers
from api.turns import Turns
from telemetry_pipeline.query import patience
from telemetry_pipeline.query.moment import one_moment

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What is known of an answer before it is made.

    Attributes:
        tag: The entity tag that stands for it; None where nobody knows what it is made of.
        closed: Whether its range is over: then the client is told the tag, and may keep the answer.
        headers: What the answer says beside it.
    """

    tag: str | None
    closed: bool
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """An answer.

    Attributes:
        body: It, before compression.
        media_type: What it is.
        whole: Whether everything could be read; if not, the next one may say more.
    """

    body: bytes
    media_type: str
    whole: bool


@dataclass
class _Flight:
    """An answer that is being made."""

    over: anyio.Event = field(default_factory=anyio.Event)
    made: Made | None = None


class Answering:
    """Makes answers, so many at a time and in the order in which they were asked for. Used from one event loop.

    Args:
        turns: Whose turn it is to make one.
        looks: Whose turn it is to look what an answer would be made of.
    """

    def __init__(self, turns: Turns, looks: Turns) -> None:
        self._turns: Final = turns
        self._looks: Final = looks
        self._answers: Final = Answers()
        self._flights: dict[str, _Flight] = {}

    async def respond(
        self, request: Request, about: Callable[[], Asked], make: Callable[[], Made]
    ) -> Response:
        """Answer a request.

        Args:
            request: The request.
            about: Says what is asked; runs in a thread, and at once: it may look into listings, not into samples.
            make: Makes the answer; runs in a thread, when it is its turn.
        """
        with one_moment():  # the tag is that of the objects that are read
            asked = await self._looks.run(about)
            tag = asked.tag
            headers = dict(asked.headers) | {"Cache-Control": etag.CLOSED if asked.closed else etag.OPEN}
            told = {"ETag": tag} if asked.closed and tag is not None else {}
            if told and etag.matches(request.headers.get("if-none-match", ""), told["ETag"]):
                return Response(status_code=304, headers=headers | told)
            if tag is None:
                made = await self.turn(make)
            elif (kept := self._answers.get(tag)) is not None:
                age = {"Age": str(kept.age_s)}
                return Response(kept.body, headers=headers | told | age, media_type=kept.media_type)
            else:
                made = await self._once(tag, make)
        return Response(made.body, headers=headers | (told if made.whole else {}), media_type=made.media_type)

    async def turn(self, work: Callable[[], T]) -> T:
        """Do something large in a thread, when it is its turn: whoever left while it waited takes none."""

        def wanted() -> T:
            patience.current().insist()
            return work()

        return await self._turns.run(wanted)

    async def _once(self, tag: str, make: Callable[[], Made]) -> Made:
        """Make an answer, or wait for the one who makes it; if that one fails, somebody else tries."""
        while (flight := self._flights.get(tag)) is not None:
            await flight.over.wait()
            if flight.made is not None:
                return flight.made
        flight = self._flights[tag] = _Flight()
        try:
            made = flight.made = await self.turn(make)
        finally:
            del self._flights[tag]
            flight.over.set()
        if made.whole:  # what could not be read may be readable the next time
            self._answers.keep(tag, made.body, made.media_type)
        return made
