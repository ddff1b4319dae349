"""Which keys are ours: listings hold other people's files as well, and whoever reads one passes them over.

What a key of ours looks like is `layout`'s and `compacted`'s business.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from telemetry_pipeline.errors import BadKey


class Listed(Protocol):
    """What a listing gives: something with a key."""

    @property
    def key(self) -> str:
        """Its key in the lake."""


Parsed = TypeVar("Parsed")
Item = TypeVar("Item", bound=Listed)


def parse_ours(parse: Callable[[str], Parsed], key: str) -> Parsed | None:
    """What a key stands for, or None if `parse` refuses it with BadKey."""
    try:
        return parse(key)
    except BadKey:
        return None


def ours(parse: Callable[[str], Parsed], listed: Iterable[Item]) -> Iterator[tuple[Parsed, Item]]:
    """What each listed object of ours stands for, with the object, in the listing's order; others are passed over."""
    for item in listed:
        try:
            parsed = parse(item.key)
        except BadKey:
            continue
        yield parsed, item
