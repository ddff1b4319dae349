"""What cantools makes of many payloads of one message: its own compiled codecs and conversions, column by column.

Differs from `Message.decode` in two ways only. It loops over signals outside and frames inside, which is some ten times
as fast; `decode_frames_one_by_one` is the real thing, to hold it against. And where cantools can unpack no frame at all, because
signals of one byte order share bits or leave the message, it asks cantools' codec for each signal alone.
"""

from collections.abc import Iterable

import bitstruct
import numpy as np
from cantools.database import DecodeError
from cantools.database.utils import create_encode_decode_formats

Column = tuple[np.ndarray, np.ndarray]
"""Positions of the frames that carry a signal, ascending, and its values in them."""


def decode_columns(message, payloads: list[bytes]) -> tuple[dict[str, Column], int]:
    """Decode with `decode_choices=False, allow_truncated=True`.

    Returns:
        For each signal with values its column, and how many frames gave values.
    """
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    good = np.zeros(len(payloads), bool)
    # what is behind a message's end changes nothing: payloads as long as it, and longer ones, are one kind
    lengths = np.array([min(len(payload), message.length) for payload in payloads])
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        whole = [payloads[row].ljust(message.length, b"\xff")[: message.length] for row in rows.tolist()]
        parts, refused = _walk(message, message._codecs, rows, whole, length)
        for name, at, values in parts:
            kept = ~np.isin(at, refused) if len(refused) else np.ones(len(at), bool)
            if kept.any():
                found.setdefault(name, []).append((at[kept], values[kept]))
                good[at[kept]] = True
    columns = {}
    for name, parts in found.items():
        at = np.concatenate([rows for rows, _ in parts])
        order = np.argsort(at, kind="stable")
        columns[name] = (at[order], np.concatenate([values for _, values in parts])[order])
    decoded = good if message.signals else np.ones(len(payloads), bool)
    return columns, int(decoded.sum())


def decode_frames_one_by_one(message, payloads: Iterable[bytes]) -> tuple[dict[str, Column], int]:
    """The same by `Message.decode`; a frame that it raises anything for gives no values."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    decoded = 0
    for row, payload in enumerate(payloads):
        try:
            values = message.decode(payload, decode_choices=False, allow_truncated=True)
        except (DecodeError, KeyError, ValueError):
            continue
        decoded += bool(values) or not message.signals
        for name, value in values.items():
            rows, column = found.setdefault(name, ([], []))
            rows.append(row)
            column.append(float(value))
    return {name: (np.array(rows), np.array(column)) for name, (rows, column) in found.items()}, decoded


def same_columns(one: dict[str, Column], other: dict[str, Column]) -> bool:
    """Whether two sets of columns are equal, bit for bit."""
    return one.keys() == other.keys() and all(
        np.array_equal(one[name][0], other[name][0])
        and np.array_equal(one[name][1].view(np.uint64), other[name][1].view(np.uint64))
        for name in one
    )


def is_refused_by_cantools(message) -> bool:
    """Whether cantools can unpack no frame of some part of the message."""
    return any(_unpack(node, bytes(message.length)) is None for node in _nodes(message._codecs))


def _nodes(node):
    yield node
    for values in node["multiplexers"].values():
        for child in values.values():
            yield from _nodes(child)


def _unpack(node, payload: bytes):
    try:
        return node["formats"].big_endian.unpack(payload) | node["formats"].little_endian.unpack(
            payload[::-1]
        )
    except (bitstruct.Error, ValueError):
        return None


def _walk(message, node, rows, whole: list[bytes], length: int):
    """Every signal of a codec and of what hangs on it, with the frames that a multiplexer's value makes wrong."""
    parts, refused = [], np.empty(0, np.intp)
    raw = _raw_columns(message, node, whole)
    scaled = {}
    for signal in node["signals"]:
        first = (
            signal.start
            if signal.byte_order == "little_endian"
            else 8 * (signal.start // 8) + 7 - signal.start % 8
        )
        if signal.name in raw and (length >= message.length or first + signal.length <= 8 * length):
            scaled[signal.name] = _scaled(signal, raw[signal.name])
            values = np.fromiter(map(float, scaled[signal.name]), float, len(whole))
            parts.append((signal.name, rows, values))
    for name, branches in node["multiplexers"].items():
        if name not in scaled:
            continue
        numbers = np.array([int(value) for value in scaled[name]], object)
        for number in dict.fromkeys(numbers.tolist()):
            chosen = np.flatnonzero(numbers == number)
            if number not in branches:
                refused = np.union1d(refused, rows[chosen])
                continue
            below, wrong = _walk(
                message, branches[number], rows[chosen], [whole[at] for at in chosen.tolist()], length
            )
            parts += below
            refused = np.union1d(refused, wrong)
    return parts, refused


def _raw_columns(message, node, whole: list[bytes]) -> dict[str, list]:
    if _unpack(node, bytes(message.length)) is not None:
        big, little = node["formats"].big_endian.unpack, node["formats"].little_endian.unpack
        unpacked = [big(payload) | little(payload[::-1]) for payload in whole]
        return {signal.name: [values[signal.name] for values in unpacked] for signal in node["signals"]}
    columns = {}
    for signal in node["signals"]:
        formats = create_encode_decode_formats([signal], message.length)
        alone = {"formats": formats}
        if _unpack(alone, bytes(message.length)) is not None:
            columns[signal.name] = [_unpack(alone, payload)[signal.name] for payload in whole]
    return columns


def _scaled(signal, raw: list) -> list:
    convert = signal.conversion.raw_to_scaled
    if signal.conversion.is_float:
        return [convert(value, False) for value in raw]
    # equal integers give equal numbers, so that each is converted once
    known = {value: convert(value, False) for value in set(raw)}
    return [known[value] for value in raw]
