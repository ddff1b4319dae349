"""The signals that a footer's report describes, whichever way it lists them.

Decoded objects list them column by column: `{"message": […], "signal": […], …, "unusual": [{"at": 3, …}]}`, with a dict
more for each signal that has values that stand out. Series objects, and decoded ones of earlier versions, list a dict for
each signal. What the fields mean is `decode.signals`' business.
"""

from collections.abc import Mapping
from typing import Any, Final

UNUSUAL: Final = "unusual"
AT: Final = "at"
"""In an entry of `UNUSUAL`: the position of its signal."""


def listed(signals: object) -> list[dict[str, Any]]:
    """A dict for each signal, in the order of the rows.

    Raises:
        ValueError: They are listed in neither way.
    """
    if isinstance(signals, list | tuple):
        return list(signals)
    if not isinstance(signals, dict) or not all(isinstance(column, list) for column in signals.values()):
        raise ValueError("its signals are listed in no known way")
    names = [name for name in signals if name != UNUSUAL]
    entries = [
        dict(zip(names, values, strict=True))
        for values in zip(*(signals[name] for name in names), strict=True)
    ]
    for at, more in unusual_of(signals, len(entries)).items():
        entries[at] |= more
    return entries


def unusual_of(signals: Mapping[str, Any], count: int) -> dict[int, dict[str, Any]]:
    """The further fields of those of `count` signals that have such, by position.

    Args:
        signals: Listed column by column.
        count: How many there are.

    Raises:
        ValueError: They are of no signal.
    """
    found = {}
    for entry in signals.get(UNUSUAL, ()):
        at = entry.get(AT) if isinstance(entry, dict) else None
        if not isinstance(at, int) or not 0 <= at < count:
            raise ValueError("its signals are listed in no known way")
        found[at] = {name: value for name, value in entry.items() if name != AT}
    return found
