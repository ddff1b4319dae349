"""Which raw objects wait: raw minus decoded minus quarantined, by name. The lake is its own ledger.

Arrival order, late uploads, double events and lost events make no difference to a set difference.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from telemetry_pipeline.errors import BadKey, BadRaw, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import DecodedObject, Partition, RawObject, Zone
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import Store, digest


@dataclass(frozen=True)
class Ledger:
    """What one partition holds, by raw object; `strays` are keys under raw/ that are not raw objects."""

    partition: Partition
    raw: frozenset[RawObject]
    decoded: frozenset[RawObject]
    quarantined: frozenset[RawObject]
    strays: tuple[str, ...] = field(default=())

    @property
    def pending(self) -> list[RawObject]:
        """The raw objects that nobody has dealt with yet, oldest first."""
        return sorted(self.raw - self.decoded - self.quarantined)


def read_ledger(store: Store, partition: Partition) -> Ledger:
    """List one partition in its three zones (three listings)."""
    raw, strays = [], []
    for info in store.list_objects(partition.prefix(layout.RAW)):
        try:
            raw.append(RawObject.parse(info.key))
        except BadKey:
            strays.append(info.key)
    present = frozenset(raw)
    receipts = {RawObject(partition, decoded.stem) for decoded in decoded_objects(store, partition)}
    jailed = {info.key for info in store.list_objects(partition.prefix(layout.QUARANTINE))}
    return Ledger(
        partition,
        present,
        present & receipts,
        frozenset(item for item in present if item.quarantine_key in jailed),
        tuple(sorted(strays)),
    )


def settled(store: Store, raw: RawObject) -> bool:
    """Whether a raw object has been decoded or quarantined with exactly the bytes that it has now.

    Names alone do not tell: an object that was written over has the receipt of what it was before.

    Raises:
        NotFound: There is no such raw object, but a receipt or a quarantined copy of it.
        TransientError: The store does not answer.
    """
    receipt = _receipt_digest(store, raw)
    quarantined = store.head(raw.quarantine_key) is not None
    if receipt is None and not quarantined:
        return False
    now = digest(store.get(raw.key))
    return now == receipt or (quarantined and now == digest(store.get(raw.quarantine_key)))


def _receipt_digest(store: Store, raw: RawObject) -> str | None:
    try:
        return footer_at(store, raw.decoded_key).get("raw_digest")
    except (NotFound, BadRaw):
        return None


def decoded_objects(store: Store, partition: Partition) -> list[DecodedObject]:
    """The decoded objects of a partition, receipts and spilled neighbours alike, oldest first."""
    listed = store.list_objects(partition.prefix(layout.DECODED))
    return sorted(decoded for decoded, _ in ours(DecodedObject.parse, listed))


def vehicles(store: Store, zone: Zone = layout.RAW) -> list[str]:
    """The vehicle ids of a zone, sorted."""
    return [vehicle for prefix in store.list_dirs(zone) if (vehicle := layout.vehicle_of(prefix))]


def partitions(store: Store, vehicle_id: str, zone: Zone = layout.RAW) -> list[Partition]:
    """The partitions of a vehicle in a zone, oldest first (one listing per year and month)."""
    prefixes = [layout.vehicle_prefix(zone, vehicle_id)]
    for _ in ("year", "month", "day"):
        prefixes = [below for prefix in prefixes for below in store.list_dirs(prefix)]
    return sorted(found for prefix in prefixes if (found := layout.partition_of(prefix, zone)))


def months(
    store: Store, vehicle_id: str, zone: Zone = layout.RAW, first: dt.date = dt.date.min
) -> list[Partition]:
    """The first days of a vehicle's months in a zone, oldest first.

    Args:
        store: The lake.
        vehicle_id: The vehicle.
        zone: The zone.
        first: Months that ended before this day are left out, and years are not even listed.
    """
    top = layout.vehicle_prefix(zone, vehicle_id)
    years = [
        year
        for year in store.list_dirs(top)
        if layout.hive_values(year.removeprefix(top)).get("year", "") >= f"{first.year:04d}"
    ]
    found = (layout.month_of(below, zone) for year in years for below in store.list_dirs(year))
    return sorted(
        month for month in found if month and (month.date.year, month.date.month) >= (first.year, first.month)
    )


def all_partitions(store: Store, zone: Zone = layout.RAW) -> Iterator[Partition]:
    """Every partition of a zone, vehicle by vehicle."""
    for vehicle_id in vehicles(store, zone):
        yield from partitions(store, vehicle_id, zone)
