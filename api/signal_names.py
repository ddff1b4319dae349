"""Signals in an address: `Message.Signal`, several of them separated by commas."""

from collections.abc import Iterable

from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.query.reader import SignalName


def parse_signal(text: str) -> SignalName:
    """Read `Message.Signal`; a message's name has no dot.

    Raises:
        BadQuery: It is not of that form.
    """
    message, _, signal = text.strip().partition(".")
    if not (message and signal):
        raise BadQuery(f"{text[:80]!r} is not a signal", remedy="Write Message.Signal")
    return message, signal


def parse_signals(texts: Iterable[str], most: int) -> list[SignalName]:
    """Read lists of signals, each once, in their order.

    Args:
        texts: Each a signal, or several with commas between them.
        most: How many there may be.

    Raises:
        BadQuery: One is not a signal, or there are too many.
    """
    names = list(
        dict.fromkeys(parse_signal(part) for text in texts for part in text.split(",") if part.strip())
    )
    if len(names) > most:
        raise BadQuery(
            f"{len(names)} signals are asked for, the limit is {most}", remedy="Ask for fewer signals at once"
        )
    return names
