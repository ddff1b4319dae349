"""One day of one vehicle, summed over its objects: what the lists of sessions, messages and signals are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from telemetry_pipeline.query.index import ObjectIndex, Run, Span
from telemetry_pipeline.query.reader import SESSION_PAUSE_NS, SignalName


@dataclass(frozen=True, slots=True)
class DaySummary:
    """The indexes of a day's objects as one.

    Attributes:
        frames: CAN frames, decodable or not.
        messages: Decoded frames by message.
        runs: The totals of each signal (their offsets mean nothing).
        spans: Stretches of recording, ascending, with pauses above `SESSION_PAUSE_NS` between them.
    """

    frames: int
    messages: Mapping[str, int]
    runs: Mapping[SignalName, Run]
    spans: tuple[Span, ...]


def summarise(objects: Sequence[ObjectIndex]) -> DaySummary:
    """Sum the objects of one day, given oldest first: of differing units the newest wins."""
    messages: dict[str, int] = {}
    runs: dict[SignalName, Run] = {}
    for index in objects:
        for message, frames in index.messages.items():
            messages[message] = messages.get(message, 0) + frames
        for name, run in index.runs.items():
            runs[name] = run if name not in runs else runs[name].plus(run)
    spans = joined([span for index in objects for span in index.spans])
    return DaySummary(sum(index.frames for index in objects), messages, runs, tuple(spans))


def joined(spans: Sequence[Span]) -> list[Span]:
    """The same recording time in as few spans as its pauses allow, ascending."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda span: span.first_ns):
        if result and span.first_ns - result[-1].last_ns <= SESSION_PAUSE_NS:
            last = result[-1]
            result[-1] = replace(
                last, last_ns=max(last.last_ns, span.last_ns), frames=last.frames + span.frames
            )
        else:
            result.append(span)
    return result
