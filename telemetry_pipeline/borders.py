"""What crosses the border between two raw objects: transfers that begin in one and end in the next.

The next one is that of the same vehicle and day whose stem names the next later time; objects whose stems name no time
have no neighbours. When which object is decoded is `process`' business.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.days import of_vehicle
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.transport.reassemble import Reassembled
from telemetry_pipeline.decode.transport.stitch import Stitcher
from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake import layout, parquet
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import Store, digest

FOOTER: Final = "previous"
"""The footer entry of a decoded object that names the raw object before it."""


@dataclass(frozen=True)
class Previous:
    """The raw object before another, and the transfers that it leaves open.

    Attributes:
        raw: The object, or None where there is none.
        sha256: The digest of its bytes, "" where there is none.
        left: Its reassembly, or None where it holds no readable frames.
    """

    raw: RawObject | None = None
    sha256: str = ""
    left: Reassembled | None = None

    @property
    def footer(self) -> str:
        """Which object this is, for the footer of what is decoded after it."""
        name = {"raw_key": self.raw.key, "raw_digest": self.sha256} if self.raw else None
        return json.dumps(name)


def neighbours(store: Store, raw: RawObject) -> tuple[RawObject | None, RawObject | None]:
    """The raw objects before and after another one; None where there is none."""
    listed = store.list_objects(raw.partition.prefix(layout.RAW))
    order = in_order([raw, *(found for found, _ in ours(RawObject.parse, listed))])
    if raw not in order:
        return None, None
    at = order.index(raw)
    return (order[at - 1] if at else None), (order[at + 1] if at + 1 < len(order) else None)


def in_order(raws: Iterable[RawObject]) -> list[RawObject]:
    """The raw objects of one partition whose stems name a time, each once, in the order of those times."""
    placed = {raw: start_ns for raw in raws if (start_ns := layout.stem_start_ns(raw.stem)) is not None}
    return sorted(placed, key=lambda raw: (placed[raw], raw.stem))


def read_previous(store: Store, raw: RawObject, plan: Plan) -> Previous:
    """The object before a raw object, with what it leaves open when it is looked at by itself.

    By itself: a transfer that began still earlier is not among it, so that a decoded object depends on two raw
    objects, not on a chain of all that came before.

    Raises:
        TransientError: The store does not answer.
    """
    found, _ = neighbours(store, raw)
    if found is None:
        return Previous()
    try:
        body = store.get(found.key)
    except NotFound:
        return Previous()
    stitcher = Stitcher(plan)
    try:
        for frames in parquet.read_raw_batches(body, found.key):
            stitcher.add(of_vehicle(frames, raw.partition.vehicle_id))
    except BadRaw:
        return Previous(found, digest(body))  # it goes to quarantine
    return Previous(found, digest(body), stitcher.left)


def is_outdated(store: Store, raw: RawObject, previous: RawObject) -> bool:
    """Whether a raw object is decoded, but after another object than the one before it, or other bytes of that.

    Raises:
        TransientError: The store does not answer.
    """
    try:
        footer = footer_at(store, raw.decoded_key)
        current = Previous(previous, digest(store.get(previous.key))).footer
    except NotFound:
        return False
    except BadRaw:
        return True  # what is decoded cannot be read
    return footer.get(FOOTER) != current
