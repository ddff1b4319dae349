"""The catalogue made from the lake: every table, every partition that has objects, and none that has not.

What a door calls when nobody knows what the catalogue holds: it lists every month of every vehicle. What is new in a
running lake is registered one by one, or day by day (`recent`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from telemetry_pipeline.catalog.glue import Change, Glue, Registered
from telemetry_pipeline.catalog.tables import TABLES, Table, partition_input
from telemetry_pipeline.lake.store import Store

Values: TypeAlias = tuple[str, ...]
"""What Glue knows a partition by."""


@dataclass
class Synced:
    """What became of one table.

    Attributes:
        table: Its name.
        change: What happened to the table itself.
        partitions: How many the lake has.
        created: How many of them the catalogue did not know.
        updated: How many it knew otherwise.
        removed: How many it knew that the lake does not have.
        failed: Those that Glue refused, by prefix, or by values where it keeps what it has to forget; and why.
    """

    table: str
    change: Change
    partitions: int = 0
    created: int = 0
    updated: int = 0
    removed: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def sync(glue: Glue, store: Store, tables: Iterable[Table] = TABLES) -> Iterator[Synced]:
    """Make the catalogue what the lake says, table by table.

    Raises:
        BadSetting: A table is another lake's.
        PermanentError: Glue refuses.
        TransientError: Glue or the store does not answer.
    """
    glue.ensure_database()
    for table in tables:
        yield _sync(glue, store, table)


def register(glue: Glue, table: Table, prefixes: Iterable[str]) -> Registered:
    """Register partitions of a table that may not be there yet."""
    wanted = list(prefixes)
    if glue.table(table.name) is None:
        glue.ensure_database()
        glue.ensure_table(table)
    return glue.create(table, wanted)


def _sync(glue: Glue, store: Store, table: Table) -> Synced:
    done = Synced(table.name, glue.ensure_table(table))
    # the catalogue first: what is registered while we look is in the lake by then
    known = {tuple(item["Values"]): item["StorageDescriptor"] for item in glue.partitions(table)}
    wanted = {values: prefix for prefix in table.partitions(store) if (values := table.values(prefix))}
    done.partitions = len(wanted)
    done.created, done.updated, done.failed = bring(glue, table, known, wanted)
    superfluous = [values for values in known if values not in wanted]
    kept = glue.delete(table, superfluous)
    done.removed = len(superfluous) - len(kept)
    done.failed |= kept
    return done


def bring(
    glue: Glue, table: Table, known: Mapping[Values, dict[str, Any]], wanted: Mapping[Values, str]
) -> tuple[int, int, dict[str, str]]:
    """Register what Glue does not know, and what it knows otherwise.

    Args:
        glue: The catalogue.
        table: The table.
        known: Storage descriptors that Glue has, by the partition's values.
        wanted: Prefixes that it has to have, likewise.

    Returns:
        How many it did not know, how many it knew otherwise, and those that it refused, by prefix, and why.
    """
    created = glue.create(table, [prefix for values, prefix in wanted.items() if values not in known])
    otherwise = [
        prefix
        for values, prefix in wanted.items()
        if values in known and _differs(known[values], table, glue, prefix)
    ]
    updated = glue.update(table, otherwise)
    return len(created.created), len(updated.created), {**created.failed, **updated.failed}


def _differs(found: dict[str, Any], table: Table, glue: Glue, prefix: str) -> bool:
    """Whether a storage descriptor of Glue's has other columns, or another place, than a partition's has to have."""
    wanted = partition_input(table, glue.lake, prefix)["StorageDescriptor"]
    columns = [{name: column[name] for name in ("Name", "Type")} for column in found.get("Columns", [])]
    return bool(columns != wanted["Columns"] or found.get("Location") != wanted["Location"])
