"""The frames of one raw object, checked against its key and given to the decoders of the days that they belong to.

What the frames mean is `decode`'s business; what becomes of an object that is refused is `process`'.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from telemetry_pipeline.borders import Previous
from telemetry_pipeline.days import of_vehicle, split_days, vehicle_names
from telemetry_pipeline.decode.frames import Decoder
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.transport.stitch import Stitcher
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import RawObject

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Intake:
    """The account of an object whose frames have all been taken; it knows nothing of signals.

    Attributes:
        total: Where every row of the object went.
        rest: Those that no decoder got: parts of longer payloads, which count under the object's own day.
    """

    total: Report
    rest: Report


def take_frames(
    body: bytes, raw: RawObject, plan: Plan, previous: Previous | None, decoders: Mapping[int, Decoder]
) -> Intake:
    """Give the frames of an object batch by batch to the decoders of their days, and account for all of them.

    Args:
        body: The object's bytes.
        raw: The object.
        plan: The compiled databases of its vehicle.
        previous: What the object before it leaves open; None where no transfers are reassembled.
        decoders: Those of the object's own day (0), the day before (-1) and the day after (1).

    Raises:
        BadRaw: It cannot be read, none of its rows is a frame of its days, or it is of several vehicles.
    """
    vehicle_id = raw.partition.vehicle_id
    names: Counter[str] = Counter()
    outside = timed = 0
    stitcher = None if previous is None else Stitcher(plan, previous.left)
    try:
        for frames in parquet.read_raw_batches(body, raw.key):
            names.update(vehicle_names(frames))
            split = split_days(frames, raw.partition)
            outside, timed = outside + split.outside, timed + split.timed
            if stitcher is not None:
                split = split_days(stitcher.add(of_vehicle(frames, vehicle_id)), raw.partition)
            for days, part in split.parts.items():
                decoders[days].add(part)
    except UnicodeDecodeError as error:  # Arrow takes a column's word for being text
        raise BadRaw(f"a vehicle id or a channel is no UTF-8 text ({error.reason})", raw.key) from error
    rest = Report() if stitcher is None else stitcher.report()
    total = Report.merge([*(decoder.report() for decoder in decoders.values()), rest])
    if len(names) > 1:
        listed = ", ".join(repr(name[:80]) for name in sorted(names)[:5])
        raise BadRaw(f"its rows are of {len(names)} vehicles: {listed}", raw.key)
    if total.rows and total.bad_rows == total.rows:
        raise BadRaw(f"none of its {total.rows} rows is a frame: {total.bad_rows_by}", raw.key)
    if outside and outside == timed:
        raise BadRaw(f"none of its rows lies in {raw.partition.date} or a day beside it", raw.key)
    strangers = names.total() - names[vehicle_id]
    if outside or strangers:
        _log.warning("%s: %d rows lie outside its days, %d name another vehicle", raw.key, outside, strangers)
    return Intake(replace(total, outside_day=outside, other_vehicle=strangers), rest)
