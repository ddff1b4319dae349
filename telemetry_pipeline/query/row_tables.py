"""Rows of several signals on their way out: how many leave together, and the table that they make.

Where they come from is `row_export`'s business.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import schema
from telemetry_pipeline.query.raw_rows import Codes, Rows, Texts
from telemetry_pipeline.query.reader import SignalName


def table_of(held: Sequence[Rows], vehicle_id: str, wanted: Sequence[SignalName], texts: Texts) -> pa.Table:
    """All rows of a stretch of time as a table of schema `DECODED`.

    In order of time; of equal times by message and signal, then in the order that they have in `held`.
    """
    held = sorted(held, key=lambda rows: wanted[rows.signal])
    t = np.concatenate([rows.t for rows in held])
    order = np.argsort(t, kind="stable")
    signal = np.concatenate([np.full(len(rows), rows.signal, np.int16) for rows in held])[order]
    names = {
        "vehicle_id": (np.zeros(len(t), np.int16), [vehicle_id]),
        "message_name": _named(signal, [message for message, _ in wanted]),
        "signal_name": _named(signal, [name for _, name in wanted]),
        "unit": (_codes([(rows.unit, len(rows)) for rows in held])[order], texts.texts),
        "channel": (_codes([(rows.channel, len(rows)) for rows in held])[order], texts.texts),
    }
    columns = {
        name: pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(known, pa.string()))
        for name, (codes, known) in names.items()
    }
    columns["timestamp"] = pa.array(t[order]).cast(schema.TIMESTAMP)
    columns["value"] = pa.array(np.concatenate([rows.v for rows in held])[order])
    return pa.table([columns[name] for name in schema.DECODED.names], schema=schema.DECODED)


def next_step(active: Sequence[Rows], horizon: int, most: int) -> int | None:
    """Up to when rows leave next, so that about `most` of them do; None when none is before the horizon."""
    lengths = [int(np.searchsorted(rows.t, horizon)) for rows in active]
    total = sum(lengths)
    if not total:
        return None
    longest = int(np.argmax(lengths))
    if total <= most:
        return horizon
    t = active[longest].t
    at = max(most * lengths[longest] // total, 1)
    # rows of equal times leave together
    after = int(np.searchsorted(t, t[at - 1], side="right"))
    return int(t[after]) if after < lengths[longest] else horizon


def split(active: Sequence[Rows], horizon: int) -> tuple[list[Rows], list[Rows]]:
    """Rows before a time, and the others; what is left of a row group does not keep all of it in memory."""
    ready, rest = [], []
    for rows in active:
        stop = int(np.searchsorted(rows.t, horizon))
        if stop:
            ready.append(rows.cut(0, stop))
        if stop < len(rows):
            left = rows.cut(stop, len(rows))
            base = rows.t.base
            size = len(rows) if not isinstance(base, np.ndarray) else len(base)
            rest.append(left.apart() if len(left) * 2 <= size else left)
    return ready, rest


def _codes(parts: Sequence[tuple[Codes | int, int]]) -> Codes:
    return np.concatenate(
        [np.full(rows, label, np.int16) if isinstance(label, int) else label for label, rows in parts]
    )


def _named(signal: Codes, names: Sequence[str]) -> tuple[Codes, list[str]]:
    """The names of signals by number as codes of names that are there once."""
    distinct = list(dict.fromkeys(names))
    return np.array([distinct.index(name) for name in names], np.int16)[signal], distinct
