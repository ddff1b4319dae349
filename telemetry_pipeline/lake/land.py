"""Frames land in the lake as raw objects: written once, never over another one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

import pyarrow as pa

from telemetry_pipeline.errors import AlreadyExists
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.windows import sibling


@dataclass
class Landed:
    """What was written.

    Attributes:
        objects: New raw objects.
        rows: Their frames.
        size: Their bytes.
        already_there: Objects that the lake had before, byte for byte.
    """

    objects: int = 0
    rows: int = 0
    size: int = 0
    already_there: int = 0


def land(
    store: Store,
    windows: Iterable[tuple[RawObject, pa.Table]],
    footer: Mapping[str, str] | None = None,
    *,
    landed: Landed | None = None,
) -> Landed:
    """Write windows of frames as raw objects.

    An object of the same key and bytes counts as already there. Another object of the same key is left alone: the
    window goes under the next free name (see `sibling`).

    Args:
        store: The lake.
        windows: Each window's raw object and its frames, as `split_windows` gives them.
        footer: Entries for every object's footer.
        landed: What is counted in, window by window: who wants to know what has landed when a window fails gives one.

    Raises:
        TransientError: The store does not answer; what was written stays, and landing again finds it.
    """
    landed = Landed() if landed is None else landed
    for raw, table in windows:
        body = write_raw(table, footer)
        if _land_one(store, raw, body):
            landed.objects += 1
            landed.rows += table.num_rows
            landed.size += len(body)
        else:
            landed.already_there += 1
    return landed


def _land_one(store: Store, raw: RawObject, body: bytes) -> bool:
    """Write one object under the first free name; False if one of the taken names holds the same bytes."""
    for nth in count():
        key = sibling(raw, nth).key
        try:
            store.put(key, body, create_only=True)
        except AlreadyExists:
            if store.get(key) == body:
                return False
        else:
            return True
    raise AssertionError  # count() does not end
