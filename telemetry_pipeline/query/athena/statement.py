"""The two questions that are asked of Athena: every row of some signals in a range, and their M4 buckets.

All texts are execution parameters, all numbers are written out by `int()`. Nothing is limited and nothing is sorted: the
answer is complete, and what has an order gets it here. `mod` is used and never `/`, which is another division elsewhere;
it has the sign of its dividend, so that times before 1970 need it twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, SIGNAL_SERIES, Table
from telemetry_pipeline.errors import TooLarge
from telemetry_pipeline.query.athena.clause import Clause, all_of, among, any_of, equals, within
from telemetry_pipeline.query.athena.sources import Sources
from telemetry_pipeline.query.reader import SignalName

TEXT_MAX: Final = 250_000
"""Bytes of a query with its parameters: Athena takes 262,144."""

_ROWS: Final = """SELECT message_name, signal_name, "timestamp" AS t, coalesce(value, nan()) AS v, unit
FROM "{table}"
WHERE {where}"""

_SAMPLES: Final = """SELECT message_name, signal_name, t, v, unit AS {last}
FROM (
{rows}
) AS samples"""

_BUCKETS: Final = """WITH samples AS (
{rows}
), placed AS (
SELECT message_name, signal_name, unit, t, v, CASE WHEN is_finite(v) THEN v END AS f,
t - mod(mod(t, {width}) + {width}, {width}) AS bucket
FROM samples
), beside AS (
SELECT message_name, signal_name, unit, t, v, f, bucket,
min(f) OVER (PARTITION BY message_name, signal_name, bucket) AS low,
max(f) OVER (PARTITION BY message_name, signal_name, bucket) AS high,
lag(t) OVER (PARTITION BY message_name, signal_name, bucket ORDER BY t) AS before
FROM placed
), measured AS (
SELECT message_name, signal_name, unit, t, v, f, bucket, low, high, before, t - before AS dt,
max(t - before) OVER (PARTITION BY message_name, signal_name, bucket) AS longest
FROM beside
)
SELECT message_name, signal_name, bucket, count(*) AS n, count(*) - count(f) AS nonfinite,
min_by(v, t) AS v_first, max_by(v, t) AS v_last, min(t) AS t_first, max(t) AS t_last,
min(f) AS v_min, max(f) AS v_max,
coalesce(min(CASE WHEN f = low THEN t END), 0) AS t_min,
coalesce(min(CASE WHEN f = high THEN t END), 0) AS t_max,
sum(f - low) AS sum_above_min, var_pop(f - low) * count(f) AS sum_sq_dev,
coalesce(max(dt), 0) AS longest,
coalesce(min(CASE WHEN dt = longest THEN before END), min(t)) AS t_longest,
max_by(unit, t) AS {last}
FROM measured
GROUP BY message_name, signal_name, bucket"""


@dataclass(frozen=True)
class Statement:
    """One query.

    Attributes:
        sql: Its text.
        parameters: The literals of its question marks, in their order.
        last: The name of its last column, the unit. It is made from all that was asked and of which objects: Athena
            may answer with the result of a former query that reads the same, and neither parameters nor what has
            become of the objects meanwhile count there for certain. A column's name always does.
        closed: Whether such a result may be taken at all.
    """

    sql: str
    parameters: tuple[str, ...]
    last: str
    closed: bool


def samples(sources: Sources, url: str, names: Sequence[SignalName], start_ns: int, end_ns: int) -> Statement:
    """Every row of some signals in [start_ns, end_ns): message_name, signal_name, t, v, unit.

    Args:
        sources: Where the rows lie, at least one day.
        url: The lake's address.
        names: The signals, at least one.
        start_ns: Where the range begins.
        end_ns: Where it ends; not part of it.

    Raises:
        TooLarge: It names more days or signals than Athena takes in one query.
    """
    return _statement(_SAMPLES, sources, _rows(sources, url, names, (start_ns, end_ns)))


def buckets(
    sources: Sources,
    url: str,
    names: Sequence[SignalName],
    start_ns: int,
    end_ns: int,
    *,
    width_ns: int,
) -> Statement:
    """The same rows summed up, a row per signal and bucket of `width_ns` that has samples.

    Raises:
        TooLarge: As of `samples`.
    """
    template = _BUCKETS.replace("{width}", f"{int(width_ns):d}")
    return _statement(template, sources, _rows(sources, url, names, (start_ns, end_ns)))


def _statement(template: str, sources: Sources, rows: Clause) -> Statement:
    body = template.replace("{rows}", rows.sql)
    asked = "\0".join((body, *rows.parameters))
    last = f"unit_{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
    sql = body.replace("{last}", last)
    size = len(sql) + sum(len(parameter.encode()) for parameter in rows.parameters)
    if size > TEXT_MAX:
        raise TooLarge(
            f"the query would have {size:,} bytes, Athena takes {TEXT_MAX:,}",
            remedy="Ask for a shorter range or fewer signals",
        )
    return Statement(sql, rows.parameters, last, sources.closed)


def _rows(sources: Sources, url: str, names: Sequence[SignalName], span: tuple[int, int]) -> Clause:
    """The rows of every table, one after another."""
    wanted = all_of([_signals(names), within('"timestamp"', *span)])
    parts = [
        _of_table(table, all_of([clause, wanted]))
        for table, clause in (
            (SIGNAL_SERIES, sources.series_clause(url)),
            (DECODED_SIGNALS, sources.late_clause(url)),
            (DECODED_SIGNALS, sources.decoded_clause(url)),
        )
        if clause is not None
    ]
    return Clause(
        "\nUNION ALL\n".join(part.sql for part in parts),
        tuple(parameter for part in parts for parameter in part.parameters),
    )


def _of_table(table: Table, where: Clause) -> Clause:
    return Clause(_ROWS.replace("{table}", table.name).replace("{where}", where.sql), where.parameters)


def _signals(names: Sequence[SignalName]) -> Clause:
    """The signals by message: of equally named ones, only those of the right message."""
    by_message: dict[str, list[str]] = {}
    for message, signal in sorted(set(names)):
        by_message.setdefault(message, []).append(signal)
    return any_of(
        all_of([equals("message_name", message), among("signal_name", signals)])
        for message, signals in by_message.items()
    )
