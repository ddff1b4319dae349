"""Athena's SQL, really executed: typed by the catalogue, rewritten for DuckDB, and refused where Trino refuses it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SchemaError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from tests.doubles.athena.failing import QueryFailed
from tests.doubles.athena.tables import Cost, Declared, Scans

_MACROS = (
    "CREATE TEMP MACRO nan() AS 'nan'::DOUBLE",
    "CREATE TEMP MACRO is_finite(x) AS isfinite(x)",
    "CREATE TEMP MACRO is_infinite(x) AS isinf(x)",
    "CREATE TEMP MACRO from_unixtime_nanos(x) AS make_timestamp_ns(x)",
)
_ATHENA_TYPES = {
    "BIGINT": "bigint",
    "HUGEINT": "bigint",  # what DuckDB makes of sums of integers
    "INTEGER": "integer",
    "DOUBLE": "double",
    "VARCHAR": "varchar",
    "BOOLEAN": "boolean",
}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


@dataclass(frozen=True)
class Result:
    """Rows of text, as Athena gives them; None is NULL."""

    columns: Sequence[tuple[str, str]]
    rows: list[tuple[str | None, ...]]
    cost: Cost


def execute(connection: duckdb.DuckDBPyConnection, sql: str, tables: dict[str, Declared]) -> Result:
    """Execute a query without question marks.

    Args:
        connection: An empty database of its own.
        sql: The query.
        tables: What can be selected from, by name.

    Raises:
        QueryFailed: Athena would refuse it, or one of the objects cannot be read.
    """
    tree = _typed(sql, tables)
    for macro in _MACROS:
        connection.execute(macro)
    scans = Scans(connection, tables)
    scans.prepare(sqlglot.parse_one(sql, read="athena"))
    try:
        answer = connection.execute(tree.sql(dialect="duckdb"))
        columns = [(str(item[0]), _ATHENA_TYPES.get(str(item[1]), "varchar")) for item in answer.description]
        rows = [tuple(_text(value) for value in row) for row in answer.fetchall()]
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise _failed(error, scans) from error
    return Result(columns, rows, scans.cost)


def _typed(sql: str, tables: dict[str, Declared]) -> exp.Expr:
    schema = {name: table.types() for name, table in tables.items()}
    try:
        tree = sqlglot.parse_one(sql, read="athena")
        names = {cte.alias for cte in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            if table.name not in tables and table.name not in names:
                raise QueryFailed(f"TABLE_NOT_FOUND: line 1:1: Table {table.name} does not exist")
        tree = annotate_types(qualify(tree, schema=schema, dialect="athena"), schema=schema, dialect="athena")
    except (ParseError, TokenError) as error:
        raise QueryFailed(f"SYNTAX_ERROR: line 1:1: {str(error).splitlines()[0]}") from error
    except (OptimizeError, SchemaError) as error:
        raise QueryFailed(f"COLUMN_NOT_FOUND: line 1:1: {str(error).splitlines()[0]}") from error
    for comparison in tree.find_all(*_COMPARISONS):
        left, right = (_kind(side) for side in (comparison.left, comparison.right))
        if left and right and left != right:
            raise QueryFailed(
                f"TYPE_MISMATCH: line 1:1: Cannot apply operator: {left} {comparison.key} {right}"
            )
    for cast in tree.find_all(exp.Cast, exp.Date, exp.TsOrDsToDate):
        to_date = not isinstance(cast, exp.Cast) or cast.to.is_type("date")
        if to_date and _kind(cast.this) == "number":
            raise QueryFailed("TYPE_MISMATCH: line 1:1: Cannot cast bigint to date")
    for division in list(tree.find_all(exp.Div)):
        if all(side.is_type(*exp.DataType.INTEGER_TYPES) for side in (division.left, division.right)):
            division.replace(exp.IntDiv(this=division.left, expression=division.right))  # as Trino divides
    return tree


def _kind(side: exp.Expr) -> str:
    if side.is_type(*exp.DataType.TEXT_TYPES):
        return "varchar"
    return "number" if side.is_type(*exp.DataType.NUMERIC_TYPES) else ""


def _failed(error: duckdb.Error, scans: Scans) -> QueryFailed:
    """A failure in the middle of an object names it, as Athena does."""
    for file in scans.files.values():
        try:
            pq.read_table(file.local)
        except (pa.ArrowException, OSError):
            return QueryFailed(f"HIVE_CURSOR_ERROR: Failed to read Parquet file: {file.path}", category=3)
    return QueryFailed(f"GENERIC_USER_ERROR: line 1:1: {str(error).splitlines()[0]}")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _double(value) if isinstance(value, float) else str(value)


def _double(value: float) -> str:
    """A number as Java writes it, which is how results spell it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    number = Decimal(repr(value)).normalize()
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = format(number, "f")
        return text if "." in text else f"{text}.0"
    sign, figures, shift = number.as_tuple()
    digits = "".join(map(str, figures))
    return f"{'-' * sign}{digits[0]}.{digits[1:] or '0'}E{len(digits) - 1 + int(shift)}"
