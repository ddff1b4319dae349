"""Rules over what is decoded already: the same events objects that decoding would have written, without decoding."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from telemetry_pipeline.errors import BadRaw, NotFound, first_line
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.rules.rule import VehicleRules
from telemetry_pipeline.rules.samples import watch_object
from telemetry_pipeline.rules.watch import put_events


@dataclass
class Applied:
    """What became of one partition.

    Attributes:
        partition: The partition.
        objects: Decoded objects that were looked at.
        written: Those that have an events object now.
        removed: Events objects that are no longer there.
        skipped: Decoded objects that could not be read, with the reason; their events stay as they were.
    """

    partition: Partition
    objects: int = 0
    written: int = 0
    removed: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def apply_rules(store: Store, partition: Partition, rules: VehicleRules) -> Applied:
    """Evaluate a vehicle's rules over one day of decoded objects; what older rules found there goes.

    Raises:
        TransientError: The store does not answer.
    """
    applied = Applied(partition)
    stale = set(events_objects(store, partition))
    for decoded in ledger.decoded_objects(store, partition):
        applied.objects += 1
        try:
            written = bool(rules.rules) and _apply_one(store, decoded, rules)
        except NotFound:
            continue  # gone since it was listed: what was found in it goes with it
        except (BadRaw, pa.ArrowException, OSError) as error:
            applied.skipped[decoded.key] = first_line(error)
            stale.discard(decoded)
            continue
        if written:
            applied.written += 1
            stale.discard(decoded)
    for decoded in sorted(stale):
        store.delete(decoded.events_key)
        applied.removed += 1
    return applied


def events_objects(store: Store, partition: Partition) -> Iterator[DecodedObject]:
    """The decoded objects of a partition in which something was found; strangers' files are passed over."""
    listed = store.list_objects(partition.prefix(layout.EVENTS))
    return (decoded for decoded, _ in ours(DecodedObject.with_events, listed))


def _apply_one(store: Store, decoded: DecodedObject, rules: VehicleRules) -> bool:
    with store.open_file(decoded.key) as source:
        file = parquet.open_object(source, decoded.key)
        watch = watch_object(file, rules, decoded.key)
        footer = parquet.read_footer(file)
    if watch.intervals:
        put_events(store, decoded, watch, footer)
    return bool(watch.intervals)
