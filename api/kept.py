"""Answers that were given, kept while what they were made of is unchanged: many people look at the same drive.

An answer is found by its entity tag, so it is never older than the objects of its range. What a tag stands for is
`etag`'s business, and who may see a vehicle is decided before anything is looked up here.
"""

import time
from typing import Final, NamedTuple

from telemetry_pipeline.query.cache import WeightedCache

KEPT_BYTES: Final = 32 << 20
"""Twenty answers of four signals and 10,000 points each as points, two hundred of 1,000."""


class Kept(NamedTuple):
    """An answer as it leaves, before compression."""

    body: bytes
    media_type: str
    made_s: float

    @property
    def age_s(self) -> int:
        """For how long it has been kept, whole seconds (RFC 9111, 5.1)."""
        return max(0, int(time.monotonic() - self.made_s))


class Answers:
    """Answers by entity tag. Safe to use from several threads.

    Args:
        capacity: Bytes that are kept; what was asked for longest ago goes first.
    """

    def __init__(self, capacity: int = KEPT_BYTES) -> None:
        self._capacity = capacity
        self._kept: WeightedCache[str, Kept] = WeightedCache(capacity)

    def get(self, tag: str) -> Kept | None:
        """The answer of a tag, if it is kept."""
        return self._kept.get(tag)

    def keep(self, tag: str, body: bytes, media_type: str) -> None:
        """Keep an answer, unless it alone would take a quarter of the room."""
        if 4 * len(body) <= self._capacity:
            self._kept.put(tag, Kept(body, media_type, time.monotonic()), len(body))
