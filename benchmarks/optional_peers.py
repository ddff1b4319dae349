"""Decoders that are measured only where somebody installed them: `pip install -r benchmarks/requirements.txt`."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks.measure import Line, Result, per_second, race

_FRAMES: Final = 10_000
"""Enough for a rate of those that go frame by frame."""


def add_to(result: Result, frames: pa.Table, dbc: Path, our_rate: float) -> None:
    """Measure each peer that is installed on these frames and compare its rate with ours.

    Args:
        result: Gets a line for each that is installed, and a note for each that is not.
        frames: 8-byte frames.
        dbc: Their database.
        our_rate: Frames a CPU second.
    """
    frames = frames.slice(0, _FRAMES)
    for name, (module, prepare, unit) in _PEERS.items():
        if find_spec(module) is None:
            result.notes.append(f"{name}: not installed")
            continue
        run = prepare(frames, dbc)
        values = run()
        seconds = race({name: run}, 1)[name]
        rate = frames.num_rows / seconds
        result.lines.append(
            Line(
                f"{name} ({frames.num_rows:,} frames, rate extrapolated)",
                f"{seconds:.3f} CPU s",
                per_second(frames.num_rows, seconds, "frames"),
                f"{our_rate / rate:.1f} ×",
                "> 1 ×",
                our_rate > rate,
            )
        )
        result.notes.append(f"{name}: gave {values:,} {unit}")


def _can_decoder(frames: pa.Table, dbc: Path) -> Callable[[], int]:
    import can_decoder  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    decoder = can_decoder.DataFrameDecoder(can_decoder.load_dbc(str(dbc)))
    index = pd.DatetimeIndex(frames["timestamp"].to_numpy(), tz="UTC", name="TimeStamp")
    ids = frames["arb_id"].to_numpy()
    table = pd.DataFrame(
        {
            "ID": ids,
            "IDE": frames["is_extended_id"].to_numpy(),
            "DataBytes": [list(data) for data in frames["data"].to_pylist()],
        },
        index=index,
    )
    return lambda: len(decoder.decode_frame(table))


def _hilspy(frames: pa.Table, dbc: Path) -> Callable[[], int]:
    """It reads logs and buses, no memory: reading its candump text is part of its time."""
    import hilspy  # noqa: PLC0415

    log = dbc.with_suffix(".candump")
    with log.open("w") as file:
        columns = (frames[name] for name in ("timestamp", "arb_id", "is_extended_id", "data"))
        for time, arb_id, extended, data in zip(*(column.to_pylist() for column in columns), strict=True):
            file.write(
                f"({time.value / 1e9:.6f}) can0 {arb_id:0{8 if extended else 3}X}#{data.hex().upper()}\n"
            )

    def decode() -> int:
        with hilspy.open(f"file://{log}?format=candump", f"dbc:{dbc}", decode_choices=False) as channel:
            return sum(len(message.fields) for message in channel)

    return decode


def _zelos_can(frames: pa.Table, dbc: Path) -> Callable[[], int]:
    """It sends values into its own trace stream: nobody listens, and no table is made."""
    import zelos_can  # noqa: PLC0415

    decoder = zelos_can.CanDecoder(str(dbc))
    times = frames["timestamp"].cast(pa.int64()).to_pylist()
    rows = list(
        zip(
            frames["arb_id"].to_pylist(),
            frames["data"].to_pylist(),
            times,
            frames["is_extended_id"].to_pylist(),
            strict=True,
        )
    )

    def decode() -> int:
        before = decoder.metrics().messages_decoded
        for arb_id, data, time, extended in rows:
            decoder.decode_frame(arb_id, data, time, extended)
        decoder.flush()
        return int(decoder.metrics().messages_decoded - before)

    return decode


_PEERS: Final[Mapping[str, tuple[str, Callable[[pa.Table, Path], Callable[[], Any]], str]]] = {
    "can-decoder": ("can_decoder", _can_decoder, "values"),
    "hilspy": ("hilspy", _hilspy, "values"),
    "zelos-can": ("zelos_can", _zelos_can, "messages"),
}
