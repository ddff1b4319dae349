"""Objects under raw/ that are no raw objects: at a wrong depth, of no vehicle id, of no day, of another name.

No partition holds them, so nobody who goes from partition to partition ever meets them.
"""

import hashlib
from itertools import islice
from typing import Final
from urllib.parse import quote

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.ours import parse_ours
from telemetry_pipeline.lake.store import Store

_PART_MAX: Final = 200


def find_strays(store: Store, at_most: int | None = None) -> list[str]:
    """The keys of strays that are not in quarantine, sorted.

    Args:
        store: The lake.
        at_most: List so many objects of raw/; default: all of them.
    """
    listed = islice(store.list_objects(layout.RAW), at_most)
    strays = [info.key for info in listed if parse_ours(RawObject.parse, info.key) is None]
    if not strays:
        return []
    jailed = {info.key for info in store.list_objects(layout.QUARANTINE)}
    return sorted(key for key in strays if quarantine_key_of(key) not in jailed)


def quarantine_key_of(key: str) -> str:
    """Where an object under raw/ goes whose key is not that of a raw object: `quarantine/` and its own key.

    Such a key may hold anything: what is not safe in a path is percent-encoded, and a part that is too long for a
    file name is cut and told apart by its digest.
    """
    return "/".join(["quarantine", *(_safe(part) for part in key.split("/"))])


def _safe(part: str) -> str:
    text = quote(part, safe="=,+ ", errors="surrogatepass")
    if not text.strip("."):
        text = text.replace(".", "%2E") or "%"
    if len(text) > _PART_MAX:
        text = f"{text[:_PART_MAX]}~{hashlib.sha256(part.encode(errors='surrogatepass')).hexdigest()[:16]}"
    return text
