"""The tables of a query: as Glue declares them, over the objects of registered partitions, as far as WHERE lets in.

What Athena bills for is found out here, too: the column chunks of the row groups that statistics do not rule out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from tests.doubles.athena.failing import QueryFailed

PATH = "$path"
_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "smallint": "SMALLINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
}


@dataclass(frozen=True)
class DataFile:
    """One object: a copy on disk, its address, and the values of its partition."""

    local: Path
    path: str
    partition: tuple[str, ...]


@dataclass
class Declared:
    """A table as the catalogue declares it, and where its objects are fetched from."""

    name: str
    columns: dict[str, str]
    keys: tuple[str, ...]
    files: Callable[[], Sequence[DataFile]]

    def types(self) -> dict[str, str]:
        """SQL types of everything that can be selected."""
        found = {name: _TYPES.get(kind, "VARCHAR") for name, kind in self.columns.items()}
        return found | dict.fromkeys((*self.keys, PATH), "VARCHAR")


@dataclass
class Cost:
    """What was read."""

    bytes: int = 0
    rows: int = 0


@dataclass
class Scans:
    """Views for DuckDB over the tables of one query.

    Args:
        connection: The database that the views are made in.
        tables: What may be selected from.
    """

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, Declared]
    cost: Cost = field(default_factory=Cost)
    files: dict[str, DataFile] = field(default_factory=dict)
    """By the name of the copy: what an error of DuckDB names."""

    def prepare(self, tree: exp.Expr) -> None:
        """Make a view of each table of a query that holds the objects which any of its SELECTs lets in.

        Raises:
            QueryFailed: There is no such table, or one of the objects is no Parquet file.
        """
        let_in: dict[str, dict[str, DataFile]] = {}
        for select in tree.find_all(exp.Select):
            scanned = select.args.get("from_") or select.args.get("from")
            table = scanned.this if scanned is not None else None
            if isinstance(table, exp.Table) and table.name in self.tables:
                files = self._pruned(self.tables[table.name], select)
                let_in.setdefault(table.name, {}).update({file.path: file for file in files})
                for file in files:
                    self._bill(file, self.tables[table.name], select)
        for name, files in let_in.items():
            self._view(self.tables[name], list(files.values()))

    def _pruned(self, table: Declared, select: exp.Select) -> list[DataFile]:
        """The objects whose partition and path are not ruled out."""
        files = list(table.files())
        columns = (*table.keys, PATH)
        named = ", ".join(f'"{name}" VARCHAR' for name in columns)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE files (number BIGINT, {named})")
        if files:
            self.connection.executemany(
                f"INSERT INTO files VALUES ({', '.join('?' * (len(columns) + 1))})",
                [(number, *file.partition, file.path) for number, file in enumerate(files)],
            )
        kept = [
            part.sql(dialect="duckdb")
            for part in _conjuncts(select)
            if all(column.name in columns for column in part.find_all(exp.Column))
        ]
        rows = self.connection.execute(
            f"SELECT number FROM files WHERE {' AND '.join(f'({part})' for part in kept) or 'true'}"
        ).fetchall()
        return [files[number] for (number,) in rows]

    def _bill(self, file: DataFile, table: Declared, select: exp.Select) -> None:
        try:
            footer = pq.ParquetFile(file.local).metadata
        except (pa.ArrowException, OSError) as error:
            raise QueryFailed(
                f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {file.path} (offset=0, length=1): "
                f"Not valid Parquet file: {file.path} expected magic number: PAR1",
                category=3,
            ) from error
        used = {column.name for column in select.find_all(exp.Column)} & set(table.columns)
        low, high = _bounds(select)
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            chunks = {
                group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)
            }
            times = chunks["timestamp"].statistics if "timestamp" in chunks else None
            if times is not None and times.has_min_max and (times.max_raw < low or times.min_raw >= high):
                continue
            self.cost.rows += group.num_rows
            self.cost.bytes += sum(chunks[name].total_compressed_size for name in used if name in chunks)

    def _view(self, table: Declared, files: Sequence[DataFile]) -> None:
        if not files:
            nothing = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in table.types().items())
            self.connection.execute(f'CREATE TEMP VIEW "{table.name}" AS SELECT {nothing} WHERE false')
            return
        self.files |= {str(file.local): file for file in files}
        keys = ", ".join(f'"{name}" VARCHAR' for name in (*table.keys, PATH))
        self.connection.execute(f'CREATE TEMP TABLE "of {table.name}" (local VARCHAR, {keys})')
        self.connection.executemany(
            f'INSERT INTO "of {table.name}" VALUES ({", ".join("?" * (len(table.keys) + 2))})',
            [(str(file.local), *file.partition, file.path) for file in files],
        )
        present = {name for file in files for name in pq.ParquetFile(file.local).schema_arrow.names}
        columns = ", ".join(
            f'{_declared(name, kind) if name in present else "NULL"} AS "{name}"'
            for name, kind in table.columns.items()
        )
        keys = ", ".join(f'o."{name}"' for name in (*table.keys, PATH))
        locals_ = ", ".join(f"'{file.local}'" for file in files)
        self.connection.execute(
            f'CREATE TEMP VIEW "{table.name}" AS SELECT {columns}, {keys} '
            f"FROM read_parquet([{locals_}], union_by_name = true, hive_partitioning = false, filename = 'local') AS p "
            f'JOIN "of {table.name}" AS o ON p.local = o.local'
        )


def _declared(name: str, kind: str) -> str:
    """A column as its declaration reads it: nanoseconds declared bigint are their number, exactly."""
    if kind == "bigint" and "timestamp" in name:
        return f'epoch_ns(p."{name}")'
    return f'CAST(p."{name}" AS {_TYPES.get(kind, "VARCHAR")})'


def _conjuncts(select: exp.Select) -> Iterator[exp.Expr]:
    where = select.args.get("where")
    if where is not None:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else [where.this]


def _bounds(select: exp.Select) -> tuple[float, float]:
    """What WHERE says of the time at least."""
    low, high = -float("inf"), float("inf")
    for part in _conjuncts(select):
        value: Any = part.args.get("expression")
        if (
            isinstance(part, exp.GTE | exp.LT)
            and part.this.name == "timestamp"
            and isinstance(value, exp.Literal)
        ):
            low, high = (
                (max(low, int(value.name)), high)
                if isinstance(part, exp.GTE)
                else (low, min(high, int(value.name)))
            )
    return low, high
