"""A real HTTP server on loopback that keeps what is posted to it and answers as it is told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers import Answer, Asked, answering


@dataclass
class Listener:
    """What has come in, and what goes out: `answer` takes a posted document and gives a status and a body."""

    url: str = ""
    posts: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], tuple[int, bytes]] = lambda document: (200, b"{}")


@contextmanager
def listening(port: int = 0) -> Iterator[Listener]:
    """Serve until the block ends.

    Args:
        port: Where; 0 for any free port.
    """
    listener = Listener()

    def answer(asked: Asked) -> Answer:
        document = json.loads(asked.body)
        listener.posts.append(document)
        status, text = listener.answer(document)
        return Answer(text, status)

    with answering(answer, port) as listener.url:
        yield listener
