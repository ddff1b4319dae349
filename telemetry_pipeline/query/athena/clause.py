"""Conditions as text with `?` and the parameters that go with them: no text of a caller is ever part of the SQL.

Athena takes parameters in WHERE only, in the order of their `?`, each as an SQL literal of at most 1,024 characters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.errors import BadQuery

PARAMETER_MAX: Final = 1024
"""Characters of one parameter, its quotes included."""


@dataclass(frozen=True)
class Clause:
    """A condition and the literals of its question marks."""

    sql: str
    parameters: tuple[str, ...] = ()


def literal(text: str) -> str:
    """A text as an SQL literal, which is what an execution parameter has to be.

    Raises:
        BadQuery: It is longer than Athena takes.
    """
    quoted = "'" + text.replace("'", "''") + "'"
    if len(quoted) > PARAMETER_MAX:
        raise BadQuery(f"{text[:40]!r}… is longer than the {PARAMETER_MAX} characters that Athena takes")
    return quoted


def fits(text: str) -> bool:
    """Whether a text can be a parameter."""
    return len(text) + text.count("'") + 2 <= PARAMETER_MAX


def equals(column: str, text: str) -> Clause:
    """`column = text`."""
    return Clause(f"{column} = ?", (literal(text),))


def among(column: str, texts: Sequence[str]) -> Clause:
    """`column` is one of some texts, at least one."""
    if len(texts) == 1:
        return equals(column, texts[0])
    return Clause(f"{column} IN ({', '.join('?' * len(texts))})", tuple(literal(text) for text in texts))


def none_of(column: str, texts: Sequence[str]) -> Clause:
    """`column` is none of some texts, at least one."""
    return Clause(f"{column} NOT IN ({', '.join('?' * len(texts))})", tuple(literal(text) for text in texts))


def within(column: str, start: int, stop: int) -> Clause:
    """`start <= column < stop`: integers are written out, so that row groups can be passed over by them."""
    return Clause(f"{column} >= {int(start):d} AND {column} < {int(stop):d}")


def all_of(clauses: Iterable[Clause]) -> Clause:
    """Every condition."""
    return _joined(clauses, " AND ")


def any_of(clauses: Iterable[Clause]) -> Clause:
    """At least one condition, of at least one."""
    parts = list(clauses)
    if len(parts) == 1:
        return parts[0]
    inner = _joined((Clause(f"({part.sql})", part.parameters) for part in parts), " OR ")
    return Clause(f"({inner.sql})", inner.parameters)


def _joined(clauses: Iterable[Clause], word: str) -> Clause:
    parts = list(clauses)
    return Clause(
        word.join(part.sql for part in parts),
        tuple(parameter for part in parts for parameter in part.parameters),
    )
