"""From a question to what is drawn: choose what to read, read it, draw each signal. Nothing here knows HTTP or JSON."""

import time
from collections.abc import Sequence
from typing import Final

from api.answer import Drawn, Question, Result, Source
from api.drawing import draw_rows, draw_samples
from api.reading import Memory, Reading, batches
from telemetry_pipeline.errors import TooLarge
from telemetry_pipeline.query.moment import one_moment
from telemetry_pipeline.query.plan import choose
from telemetry_pipeline.query.reader import SignalName, SignalReader
from telemetry_pipeline.series.tiers import S_NS, TIERS_S

__all__ = ["MAX_ANSWER_POINTS", "Drawn", "Memory", "Question", "Result", "Source", "ask"]

MAX_ANSWER_POINTS: Final = 2_000_000
"""All signals together: about 80 MB of JSON."""

_BATCH_ROWS: Final = 5_000_000
"""Samples that are held at a time; a signal of more comes alone."""


def ask(
    reader: SignalReader,
    question: Question,
    *,
    max_answer_points: int = MAX_ANSWER_POINTS,
    memory: Memory | None = None,
) -> Result:
    """Answer a question.

    Args:
        reader: Where the answer comes from.
        question: What is asked.
        max_answer_points: The most points of the answer, all signals together.
        memory: What earlier questions found, and this one will add to.

    Raises:
        BadKey: The vehicle id is not one.
        NotFound: No such vehicle or signal.
        TooLarge: More points to return, or of `raw` more rows to read, than one answer may have.
        TransientError: The store does not answer.
    """
    with one_moment():
        return _asked(reader, question, max_answer_points, memory)


def _asked(reader: SignalReader, question: Question, max_answer_points: int, memory: Memory | None) -> Result:
    begun = time.perf_counter_ns()
    reading = Reading(reader, question.vehicle_id, (question.start_ns, question.end_ns), memory)
    names = list(dict.fromkeys(question.signals))
    if question.method == "raw":
        _refuse_too_large(reading, names, max_answer_points)
        series = [draw_samples(found, question, reading) for found in reading.samples(names)]
        drawn = dict(zip(names, series, strict=True))
    else:
        drawn = _draw(reading, names, question)
    answer = [drawn[name] for name in question.signals]
    if (points := sum(len(item.t) for item in answer)) > max_answer_points:
        raise _too_many_points(points, max_answer_points)
    return Result(
        answer,
        reading.rows_scanned,
        reading.bytes_scanned,
        reading.skipped_objects,
        time.perf_counter_ns() - begun,
    )


def _draw(reading: Reading, names: Sequence[SignalName], question: Question) -> dict[SignalName, Drawn]:
    counts = reading.counts(names)
    few = all(count <= question.max_points for count in counts.values())
    plan = dict.fromkeys(names) if few else choose(counts, reading.recorded, question.max_points)
    drawn: dict[SignalName, Drawn] = {}
    for tier in TIERS_S:
        width = tier * S_NS
        for batch in batches(reading.bucket_weights([name for name in names if plan[name] == tier], tier)):
            found = reading.buckets(batch, width)
            for name in batch:
                rows = found.rows[name]
                source = Source(*name, found.units[name], int(rows.count.sum()), f"tier:{tier}s")
                if source.points > question.max_points:
                    drawn[name] = draw_rows(rows, source, width, question, reading)
    # also of a tier those that turned out to have no more samples than points are asked for
    left = {name: counts[name] for name in names if name not in drawn}
    for batch in batches(left, _BATCH_ROWS):
        for name, series in zip(batch, reading.samples(batch), strict=True):
            drawn[name] = draw_samples(series, question, reading)
    return drawn


def _refuse_too_large(reading: Reading, names: Sequence[SignalName], limit: int) -> None:
    """Refuse more samples than an answer may have before they are read; only the sure number refuses."""
    if sum(reading.counts(names).values()) <= limit:
        return
    found = reading.buckets(names, TIERS_S[-1] * S_NS)
    if (points := sum(int(rows.count.sum()) for rows in found.rows.values())) > limit:
        raise _too_many_points(points, limit)


def _too_many_points(points: int, limit: int) -> TooLarge:
    return TooLarge(
        f"the answer would have {points:,} points, the limit is {limit:,}",
        remedy="Ask for a shorter range, fewer signals or fewer max_points; method=raw returns every sample",
    )
