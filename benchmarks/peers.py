"""The same frames through others' libraries, each giving its signals as arrays by message and signal."""

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.lake import schema

Columns = dict[str, npt.NDArray[np.float64]]

_DATA_FRAME = np.dtype(
    [
        ("CAN_DataFrame.BusChannel", "<u1"),
        ("CAN_DataFrame.ID", "<u4"),
        ("CAN_DataFrame.IDE", "<u1"),
        ("CAN_DataFrame.DLC", "<u1"),
        ("CAN_DataFrame.DataLength", "<u1"),
        ("CAN_DataFrame.DataBytes", "(8,)u1"),
    ]
)


def cantools_loop(frames: pa.Table, database: Any) -> pa.Table:
    """What most programs do: every frame through `decode`, collected into the columns of `DECODED`."""
    columns: dict[str, list[Any]] = {name: [] for name in schema.DECODED.names}
    units = {m.frame_id: {s.name: s.unit or "" for s in m.signals} for m in database.messages}
    vehicles = frames["vehicle_id"].to_pylist()
    rows = zip(
        frames["timestamp"].cast(pa.int64()).to_pylist(),
        frames["arb_id"].to_pylist(),
        frames["data"].to_pylist(),
        vehicles,
        frames["channel"].to_pylist(),
        strict=True,
    )
    for time, arbitration_id, data, vehicle, channel in rows:
        message = database.get_message_by_frame_id(arbitration_id)
        unit = units[arbitration_id]
        for name, value in message.decode(data, decode_choices=False).items():
            columns["timestamp"].append(time)
            columns["vehicle_id"].append(vehicle)
            columns["message_name"].append(message.name)
            columns["signal_name"].append(name)
            columns["value"].append(float(value))
            columns["unit"].append(unit[name])
            columns["channel"].append(channel)
    arrays = [_column(columns[field.name], field.type) for field in schema.DECODED]
    return pa.table(arrays, schema=schema.DECODED)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(kind):
        return pa.array(values, kind)
    return pa.array(values, pa.string()).dictionary_encode().cast(kind)


class Asammdf:
    """asammdf's bus logging: the frames are put into an MDF beforehand, decoding and reading every signal is timed."""

    def __init__(self, frames: pa.Table, dbc: Path) -> None:
        from asammdf import MDF, Signal  # noqa: PLC0415  heavy, and only here
        from asammdf.blocks.source_utils import Source  # noqa: PLC0415

        logging.getLogger("asammdf").setLevel(logging.ERROR)
        count = frames.num_rows
        samples = np.zeros(count, _DATA_FRAME)
        ids = frames["arb_id"].to_numpy()
        body = np.frombuffer(frames["data"].combine_chunks().buffers()[2], np.uint8)[: 8 * count]
        samples["CAN_DataFrame.BusChannel"] = 1
        samples["CAN_DataFrame.ID"] = ids
        samples["CAN_DataFrame.IDE"] = ids > schema.STANDARD_ID_MAX
        samples["CAN_DataFrame.DLC"] = samples["CAN_DataFrame.DataLength"] = 8
        samples["CAN_DataFrame.DataBytes"] = body.reshape(count, 8)
        times = frames["timestamp"].cast(pa.int64()).to_numpy()
        source = Source(
            name="CAN", path="CAN", comment="", source_type=Source.SOURCE_BUS, bus_type=Source.BUS_TYPE_CAN
        )
        self._mdf = MDF(version="4.11")
        self._mdf.append(
            Signal(samples, (times - times[0]) / 1e9, name="CAN_DataFrame", source=source), acq_source=source
        )
        group = self._mdf.groups[-1].channel_group
        group.flags |= 0x6  # a bus event, plain
        self._dbc = dbc

    def decode(self) -> Columns:
        """Every signal's values."""
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its own speed
            decoded = self._mdf.extract_bus_logging({"CAN": [(str(self._dbc), 0)]})
        found: dict[str, list[npt.NDArray[np.float64]]] = {}
        with decoded:
            for signal in _signals(decoded):
                found.setdefault(signal.name, []).append(np.asarray(signal.samples, np.float64))
        return {name: np.concatenate(parts) for name, parts in found.items()}


def _signals(mdf: Any) -> Iterator[Any]:
    for number, group in enumerate(mdf.groups):
        wanted = [
            (None, number, position)
            for position, channel in enumerate(group.channels)
            if channel.name not in ("time", "Timestamp")
        ]
        yield from mdf.select(wanted, ignore_value2text_conversions=True)
