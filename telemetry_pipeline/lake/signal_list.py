"""The signals that a footer's report describes, whichever way it lists them.

Decoded objects list them column by column: `{"message": […], "signal": […], …, "unusual": [{"at": 3, …}]}`, with a dict
more for each signal that has values that stand out. Series objects, and decoded ones of earlier versions, list a dict for
each signal. What the fields mean is `decode.signals`' business.
"""

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
    for more in signals.get(UNUSUAL, ()):
        at = more.get(AT) if isinstance(more, dict) else None
        if not isinstance(at, int) or not 0 <= at < len(entries):
            raise ValueError("its signals are listed in no known way")
        entries[at] |= {name: value for name, value in more.items() if name != AT}
    return entries
