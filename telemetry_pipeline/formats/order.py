"""Frames brought into order of time as far as a bounded memory allows."""

from collections.abc import Iterator

import numpy as np

from telemetry_pipeline.formats.frames import BATCH_FRAMES, Frames, concat
from telemetry_pipeline.formats.report import LogReport


def in_order(
    batches: Iterator[Frames], report: LogReport, reach: int = BATCH_FRAMES // 4
) -> Iterator[Frames]:
    """Sort frames by time; frames of the same time keep the log's order.

    A frame finds its place if no more than `reach` frames of the log lie between it and that place. Others are given
    where they stand and counted: none is lost.

    Args:
        batches: Frames in the order of the log.
        report: Where frames that could not be sorted in are counted.
        reach: How many of the latest frames are held back for those that may still come.
    """
    held: list[Frames] = []
    given = None
    for batch in batches:
        frames = _sorted(concat([*held, batch]))
        ready = len(frames.stamps) - reach
        held = [frames]
        if ready > 0:
            held = [frames.take(np.arange(ready, len(frames.stamps)))]
            part = frames.take(np.arange(ready))
            given = _count_late(part, given, report)
            yield part
    if held and len(held[0].stamps):
        _count_late(held[0], given, report)
        yield held[0]


def _sorted(frames: Frames) -> Frames:
    if (np.diff(frames.stamps) >= 0).all():
        return frames
    return frames.take(np.argsort(frames.stamps, kind="stable"))


def _count_late(part: Frames, given: int | None, report: LogReport) -> int:
    """Count the frames before the latest one given so far; return the new latest."""
    if given is not None:
        report.out_of_order += int((part.stamps < given).sum())
    latest = int(part.stamps[-1])
    return latest if given is None else max(given, latest)
