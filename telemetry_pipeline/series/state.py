"""What of a vehicle-day the series object covers: told from two listings and one footer.

A series object counts only while every decoded object that it was made from is still there with the same bytes: the
rows of one that was decoded again cannot be taken out of it. Then the decoded objects answer, until it is made anew.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import ObjectInfo, Store

FORMAT: Final = "1"
"""Changes when the same decoded objects would give other bytes: then every series object is made anew in time."""

COVERS: Final = "covers"
REFUSED: Final = "refused"
"""Footer entries: JSON objects of a decoded object's stem to its entity tag."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What a series object was made from, by stem; `refused` are the objects that could not be read."""

    info: ObjectInfo
    covers: Mapping[str, str]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class SeriesState:
    """A vehicle-day.

    Attributes:
        partition: Which one.
        decoded: Its decoded objects, sorted by key.
        series: The series object that counts, or None.
        covered: The decoded objects whose rows are in it.
        refused: Those that could not be read when it was made, and have not changed since.
        uncovered: All others, oldest first: late ones, or all of them where no series object counts.
        stale: Decoded objects that are gone or have other bytes than those a series object was made from.
        leftovers: Further series objects, which count for nothing: keys.
    """

    partition: Partition
    decoded: tuple[ObjectInfo, ...]
    series: ObjectInfo | None
    covered: tuple[ObjectInfo, ...]
    refused: tuple[ObjectInfo, ...]
    uncovered: tuple[ObjectInfo, ...]
    stale: tuple[str, ...]
    leftovers: tuple[str, ...]

    @property
    def settled(self) -> bool:
        """Whether the day's series object is there, whole and alone; a day without decoded objects needs none."""
        return not (self.uncovered or self.leftovers)


def series_state(store: Store, partition: Partition) -> SeriesState:
    """What of a vehicle-day its series object covers. Two listings, and a footer for each series object.

    Raises:
        TransientError: The store does not answer.
    """
    decoded = list_decoded(store, partition)
    return state_of(partition, decoded, [read_cover(store, info) for info in list_series(store, partition)])


def state_of(
    partition: Partition, decoded: Sequence[ObjectInfo], found: Iterable[Cover | ObjectInfo]
) -> SeriesState:
    """The same from what is known already: series objects whose footer cannot be read come as their listing."""
    now = {DecodedObject.parse(info.key).stem: info for info in decoded}
    valid: list[Cover] = []
    leftovers, stale = [], set()
    for item in found:
        if not isinstance(item, Cover):
            leftovers.append(item.key)
            continue
        changed = [stem for stem, etag in item.covers.items() if stem not in now or now[stem].etag != etag]
        if changed:
            stale |= {DecodedObject(partition, stem).key for stem in changed}
            leftovers.append(item.info.key)
        else:
            valid.append(item)
    valid.sort(key=lambda cover: (len(cover.covers), cover.info.key))
    best = valid.pop() if valid else None
    leftovers += [cover.info.key for cover in valid]
    covered = [info for stem, info in now.items() if best and stem in best.covers]
    refused = [info for stem, info in now.items() if best and best.refused.get(stem) == info.etag]
    known = {info.key for info in covered} | {info.key for info in refused}
    return SeriesState(
        partition,
        tuple(decoded),
        best.info if best else None,
        tuple(covered),
        tuple(refused),
        tuple(info for info in decoded if info.key not in known),
        tuple(sorted(stale)),
        tuple(sorted(leftovers)),
    )


def series_name(covers: Mapping[str, str], refused: Mapping[str, str]) -> str:
    """The name of the series object that is made from some decoded objects, by their stems and entity tags.

    The same objects give the same name: two who compact at the same time write the same object, and a listing alone
    tells whether a series object covers a day.
    """
    body = json.dumps([FORMAT, sorted(covers.items()), sorted(refused.items())])
    return hashlib.sha256(body.encode()).hexdigest()[:24]


def list_decoded(store: Store, partition: Partition) -> list[ObjectInfo]:
    """The decoded objects of a vehicle-day, sorted by key; strangers' files are passed over."""
    return _listed(store, partition.prefix(layout.DECODED), DecodedObject.parse)


def list_series(store: Store, partition: Partition) -> list[ObjectInfo]:
    """The series objects of a vehicle-day, sorted by key."""
    return _listed(store, partition.prefix(layout.SERIES), SeriesObject.parse)


def read_cover(store: Store, info: ObjectInfo) -> Cover | ObjectInfo:
    """What a series object was made from; one that is broken, or gone since it was listed, comes back as it is."""
    try:
        footer = footer_at(store, info.key)
        return Cover(info, json.loads(footer[COVERS]), json.loads(footer[REFUSED]))
    except (BadRaw, NotFound, KeyError, ValueError):
        return info


def _listed(store: Store, prefix: str, parse: Callable[[str], object]) -> list[ObjectInfo]:
    found = (info for _, info in ours(parse, store.list_objects(prefix)))
    return sorted(found, key=lambda info: info.key)
