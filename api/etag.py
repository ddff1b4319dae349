"""Entity tags of query answers: a client that has an answer is told that it still holds, and nothing is read.

A tag stands for the question, the code, and the entity tags of the objects that the range covers. It is weak: the same
answer says anew how long it took, and is compressed as each client takes it.
"""

import hashlib
import re
import time
from typing import Final

from api.answer import Question
from telemetry_pipeline.version import DECODER_VERSION, __version__

CLOSED: Final = "private, max-age=0, must-revalidate"
"""A range that is over may still get late objects: a kept answer is asked about before it is shown again."""

OPEN: Final = "private, no-cache"

FORMAT: Final = 2
"""Counted up when the same objects would be answered with other points."""

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


def is_closed(end_ns: int) -> bool:
    """Whether a range that ends then is over."""
    return end_ns <= time.time_ns()


def tag_of(question: Question, form: str, fingerprint: str, names: str) -> str:
    """The tag of an answer.

    Args:
        question: What is asked.
        form: The shape and the media type.
        fingerprint: Of the objects (see `Knowledge.fingerprint`).
        names: What beside the objects is in the answer: names of values.
    """
    asked = (
        *(question.vehicle_id, question.start_ns, question.end_ns, question.max_points, question.method),
        *(tuple(question.signals), tuple(sorted(set(question.include)))),
    )
    return tag_of_all(asked, form, fingerprint, names)


def tag_of_all(*said: object) -> str:
    """The tag of an answer that follows from the code and from what is said by the texts of some values."""
    told = repr((FORMAT, __version__, DECODER_VERSION, *said))
    return f'W/"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether a client has the answer of a tag (RFC 9110, 13.1.2: weak comparison)."""
    (opaque,) = _TAG.findall(tag)
    return opaque in _TAG.findall(if_none_match)
