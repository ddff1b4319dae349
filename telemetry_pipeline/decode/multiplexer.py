"""The tree of a message: which signals live under which value of which multiplexer.

Replays how cantools nests its codecs, without its layout rules: every signal is read from its own bits.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Branch:
    """One signal's place in the tree.

    Attributes:
        signal: The cantools signal.
        parent: Position, in the sequence of branches, of the multiplexer it hangs on; None at the root.
        ids: Values of that multiplexer under which it lives, sorted; empty at the root.
        known: When it is itself a multiplexer with anything under it or any named value: the values that exist,
            sorted. A frame with another value is refused. Else None.
    """

    signal: Any
    parent: int | None
    ids: tuple[int, ...]
    known: tuple[int, ...] | None


def branches(signals: list[Any]) -> tuple[Branch, ...]:
    """The reachable signals of a message, multiplexers before what hangs on them.

    Signals hang on a multiplexer by its name; what hangs on something that is no multiplexer, or under no id, is
    never reached, as in cantools' `Message._create_codec`. A multiplexer's named values exist even with nothing
    under them.
    """
    by_parent: dict[str | None, list[Any]] = {}
    for signal in signals:
        by_parent.setdefault(signal.multiplexer_signal, []).append(signal)
    found: list[Branch] = []
    _descend(by_parent, None, None, found)
    return tuple(found)


def _descend(
    by_parent: dict[str | None, list[Any]], name: str | None, position: int | None, found: list[Branch]
) -> None:
    for signal in by_parent.get(name, []):
        ids = tuple(sorted(set(signal.multiplexer_ids or ())))
        if position is not None and not ids:
            continue
        known = _known_ids(signal, by_parent.get(signal.name, [])) if signal.is_multiplexer else ()
        found.append(Branch(signal, position, () if position is None else ids, known or None))
        if known:
            _descend(by_parent, signal.name, len(found) - 1, found)


def _known_ids(multiplexer: Any, children: list[Any]) -> tuple[int, ...]:  # noqa: ANN401  cantools has no types
    ids = {int(value) for child in children for value in child.multiplexer_ids or ()}
    return tuple(sorted(ids.union(int(value) for value in multiplexer.conversion.choices or ())))
