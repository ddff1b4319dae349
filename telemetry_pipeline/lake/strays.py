"""Objects under raw/ that are no raw objects: at a wrong depth, of no vehicle id, of no day, of another name.

No partition holds them, so nobody who goes from partition to partition ever meets them.
"""

from itertools import islice

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store


def find_strays(store: Store, at_most: int | None = None) -> list[str]:
    """The keys of strays that are not in quarantine, sorted.

    Args:
        store: The lake.
        at_most: List so many objects of raw/; default: all of them.
    """
    listed = islice(store.list_objects(layout.RAW), at_most)
    strays = [info.key for info in listed if not _is_raw(info.key)]
    if not strays:
        return []
    jailed = {info.key for info in store.list_objects(layout.QUARANTINE)}
    return sorted(key for key in strays if layout.stray_quarantine_key(key) not in jailed)


def _is_raw(key: str) -> bool:
    try:
        RawObject.parse(key)
    except BadKey:
        return False
    return True
