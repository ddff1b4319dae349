"""What waits in a partition for longer than it should, by what the lake holds: no event and no mark is believed.

An object that was written over after it was decoded or quarantined waits again. Times are those of the store; a
bucket's are whole seconds, so that one written over within the second of its receipt is left to its event.
"""

from telemetry_pipeline.inbox import folder_day
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import Store


def overdue(store: Store, partition: Partition, before_ns: int) -> list[RawObject]:
    """The raw objects of a partition that landed before `before_ns` and wait, oldest first (three listings).

    Raises:
        TransientError: The store does not answer.
    """
    if store.root is not None:
        found = {
            *folder_day.pending(store.root, partition),
            *folder_day.rewritten(store.root, partition, 0),
        }
        return sorted(raw for raw in found if _landed_ns(store, raw) < before_ns)
    listed = store.list_objects(partition.prefix(layout.RAW))
    landed = {raw: info.modified_ns for raw, info in ours(RawObject.parse, listed)}
    if not landed:
        return []
    dealt_with = {
        info.key: info.modified_ns
        for zone in (layout.DECODED, layout.QUARANTINE)
        for info in store.list_objects(partition.prefix(zone))
    }
    return sorted(
        raw
        for raw, at_ns in landed.items()
        if at_ns < before_ns
        and at_ns > max(dealt_with.get(raw.decoded_key, -1), dealt_with.get(raw.quarantine_key, -1))
    )


def _landed_ns(store: Store, raw: RawObject) -> int:
    info = store.head(raw.key)
    return info.modified_ns if info else 0
