"""An answer as an ASAM MDF 4 file, for the tools that engineers have open anyway. What it holds was decided before."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from asammdf import MDF, Signal

from telemetry_pipeline.errors import BadQuery

if TYPE_CHECKING:
    from api.query import Drawn, Result

_S: Final = 1e-9
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def write_mf4(result: "Result", vehicle_id: str, path: Path) -> None:
    """Write samples as channels that are named as their signals, in groups that are named as their messages.

    Times are seconds since the file's start, as float64: such are MDF's master channels. Up to 52 days after the start
    they round to the nanoseconds that they were.

    Args:
        result: The samples; signals of a message that were sampled together share a group.
        vehicle_id: The vehicle, for the header.
        path: The file; it is written over.

    Raises:
        BadQuery: There is no sample: such a file would have no start.
    """
    firsts = [int(drawn.t[0]) for drawn in result.series if len(drawn.t)]
    if not firsts:
        raise BadQuery("the range holds no sample", remedy="Ask for a range in which the vehicle drove")
    start_us = min(firsts) // 1_000
    with MDF(version="4.10") as file:
        file.header.start_time = _EPOCH + dt.timedelta(microseconds=start_us)
        file.header.subject_field = vehicle_id
        for (message, _), members in _groups(result.series).items():
            seconds = (members[0].t - start_us * 1_000) * _S
            channels = [
                Signal(
                    np.ascontiguousarray(drawn.v),
                    seconds,
                    unit=drawn.source.unit,
                    name=drawn.source.signal,
                )
                for drawn in members
            ]
            file.append(channels, acq_name=message, comment=message, common_timebase=True)
        file.save(path, overwrite=True, compression=2)


def _groups(series: "list[Drawn]") -> "dict[tuple[str, bytes], list[Drawn]]":
    """Series by message and by their times: a group has one clock."""
    found: dict[tuple[str, bytes], list[Drawn]] = {}
    for drawn in series:
        if len(drawn.t):
            found.setdefault((drawn.source.message, drawn.t.tobytes()), []).append(drawn)
    return found
