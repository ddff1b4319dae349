"""What waits in one day of a `file://` lake, by the names in its directories.

Names alone cost a tenth of a listing with sizes and times, and a day holds more than a thousand objects.
"""

import os
from pathlib import Path

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject


def pending(root: Path, partition: Partition) -> list[RawObject]:
    """The raw objects of a partition that are neither decoded nor quarantined, oldest first."""
    decoded = set(_names(root / partition.prefix(layout.DECODED)))
    raw_ends, decoded_ends = _endings(partition)
    stems = sorted(
        stem
        for name in _names(root / partition.prefix(layout.RAW))
        if (stem := name.removesuffix(raw_ends)) != name and stem and f"{stem}{decoded_ends}" not in decoded
    )
    waiting = [RawObject(partition, stem) for stem in stems]
    return [raw for raw in waiting if not (root / raw.quarantine_key).exists() and (root / raw.key).is_file()]


def rewritten(root: Path, partition: Partition, since_ns: int) -> list[RawObject]:
    """The raw objects that were written over after they were decoded, oldest first.

    Args:
        root: The lake's folder.
        partition: The day.
        since_ns: Objects that have not changed since then are not looked at.
    """
    found = []
    raw_ends, _ = _endings(partition)
    try:
        with os.scandir(root / partition.prefix(layout.RAW)) as entries:
            for entry in entries:
                stem = entry.name.removesuffix(raw_ends)
                if stem == entry.name or not stem or not entry.is_file():
                    continue
                try:
                    status = entry.stat()
                except FileNotFoundError:  # it went away since it was listed
                    continue
                raw = RawObject(partition, stem)
                if status.st_ctime_ns >= since_ns and _dealt_with_ns(root, raw) < status.st_mtime_ns:
                    found.append(raw)
    except FileNotFoundError:
        return []
    return sorted(found)


def _dealt_with_ns(root: Path, raw: RawObject) -> int:
    """When an object was decoded or quarantined last."""
    times = [-1]
    for key in (raw.decoded_key, raw.quarantine_key):
        try:
            times.append((root / key).stat().st_mtime_ns)
        except FileNotFoundError:
            continue
    return max(times)


def _endings(partition: Partition) -> tuple[str, str]:
    """What follows the stem in the names of raw and of decoded objects."""
    nameless = RawObject(partition, "")
    return nameless.key.rpartition("/")[2], nameless.decoded_key.rpartition("/")[2]


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  names alone, at the cost of names
    except (FileNotFoundError, NotADirectoryError):
        return []
