"""A raw object becomes a decoded object in a lake, beside reading the one and writing the other without decoding."""

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Line, Result, at_most, per_second, race
from benchmarks.workload import ARROW_DECODED, VEHICLE, load_car, make_frames
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.lake import decoded_file, parquet, schema
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object

NAME: Final = "pipeline"

_SHARE: Final = 50
"""A middling object holds so much of the long drive: 100,000 frames of five million."""

_SMALL_FRAMES: Final = 6_000
_SMALL_OBJECTS: Final = 20
_SMALL_ROUNDS: Final = 5
_LARGE_TARGET: Final = 1.1
_MIDDLING_TARGET: Final = 1.3
_SMALL_TARGET_MS: Final = 10


def run(frames: int, rounds: int) -> Result:
    """Process one object of `frames` frames, 20 of a fiftieth of them, and 20 small ones."""
    result = Result(
        NAME,
        "Raw Parquet in a lake to decoded Parquet in the lake, as every door does it (`process_object`), one thread. "
        "The limit reads the same objects and writes the same rows with the same footer without decoding, with Arrow's "
        "own writer. Ratio: our time over the limit's.",
    )
    drive = make_frames(frames)
    middling = [
        drive.slice(start, frames // _SHARE) for start in range(0, frames * 20 // _SHARE, frames // _SHARE)
    ]
    small = [drive.slice(number * _SMALL_FRAMES, _SMALL_FRAMES) for number in range(_SMALL_OBJECTS)]
    _compare(result, [drive], _LARGE_TARGET, min(rounds, 3))
    _compare(result, middling, _MIDDLING_TARGET, rounds)
    # a fifth of a second each: as long on the whole as the rounds of the long ones, and as likely to meet a quiet moment
    took = _compare(result, [part for part in small if part.num_rows], None, rounds * _SMALL_ROUNDS)
    each = 1000 * took / len(small)
    result.lines.append(
        Line(
            f"one object of {_SMALL_FRAMES:,} frames, read, decoded and written",
            **at_most(each, _SMALL_TARGET_MS, "ms"),
        )
    )
    return result


@dataclass(frozen=True)
class _Written:
    """What stands in a decoded object."""

    table: pa.Table
    runs: list[int]
    footer: dict[str, str]


def _compare(result: Result, parts: Sequence[pa.Table], target: float | None, rounds: int) -> float:
    """CPU seconds for all parts as objects of their own."""
    plan = compile_plan([load_car()])
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder).as_uri())
        raws = [RawObject.starting(VEHICLE, part["timestamp"][0].value) for part in parts]
        size = 0
        for raw, part in zip(raws, parts, strict=True):
            body = parquet.write_raw(part)
            size += len(body)
            store.put(raw.key, body)
        written = []
        for raw, part in zip(raws, parts, strict=True):
            process_object(store, raw, plan)
            decoded = decode_frames(part, plan)
            body = store.get(raw.decoded_key)
            file = parquet.open_object(body, raw.decoded_key)
            if not _same(file.read(), decoded.table):
                result.notes.append("THE OBJECT'S ROWS DIFFER FROM THE DECODER'S")
            runs = [signal.rows for signal in decoded.report.signals]
            written.append(_Written(decoded.table, runs, parquet.read_footer(file)))

        def ours() -> None:
            for raw in raws:
                process_object(store, raw, plan)

        def without_decoding(write: Callable[[_Written], bytes]) -> None:
            for raw, item in zip(raws, written, strict=True):
                for _ in parquet.read_raw_batches(store.get(raw.key), raw.key):
                    pass
                store.put(raw.decoded_key, write(item))

        took = race(
            {
                "limit": lambda: without_decoding(_write_by_arrow),
                "own": lambda: without_decoding(_write_by_us),
                "ours": ours,
            },
            rounds,
        )
    frames = sum(part.num_rows for part in parts)
    who = f"{len(parts)} object{'s' * (len(parts) > 1)} of {parts[0].num_rows:,} frames"
    ratio = took["ours"] / took["limit"]
    fields = {"ratio": f"{ratio:.2f} ×"} if target is None else at_most(ratio, target)
    result.lines += [
        Line(
            who,
            f"{took['ours']:.3f} CPU s",
            f"{per_second(frames, took['ours'], 'frames')}, {size / took['ours'] / 1e6:.3g} MB/s in",
            **fields,
        ),
        Line("… limit", f"{took['limit']:.3f} CPU s", per_second(frames, took["limit"], "frames")),
        Line(
            "… limit with our writer", f"{took['own']:.3f} CPU s", per_second(frames, took["own"], "frames")
        ),
    ]
    return took["ours"]


def _write_by_us(item: _Written) -> bytes:
    return decoded_file.write_decoded(item.table, item.runs, item.footer)


def _write_by_arrow(item: _Written) -> bytes:
    """The same rows, row groups, encodings and footer; statistics of as few columns as readers prune by."""
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        schema.DECODED,
        **ARROW_DECODED,
    ) as writer:
        start = 0
        for size in decoded_file.row_group_sizes(item.runs):
            writer.write_table(item.table.slice(start, size), row_group_size=size)
            start += size
        writer.add_key_value_metadata(item.footer)
    return sink.getvalue()


def _same(one: pa.Table, other: pa.Table) -> bool:
    return all(
        one[name].cast(kind).equals(other[name].cast(kind))
        for name, kind in (("timestamp", pa.int64()), ("signal_name", pa.string()), ("value", pa.float64()))
    )
