"""The shapes that one message's frames take: which multiplexer values go with which signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cantools.database.can import Message


@dataclass(frozen=True)
class Shape:
    """One shape of a message: raw values of its multiplexers, and the signals that such a frame carries."""

    selectors: Mapping[str, int]
    signals: tuple[str, ...]


def shapes_of(message: "Message") -> list[Shape]:
    """Every shape of a message; one for a message without multiplexers.

    Side by side multiplexers turn together, so that each value of each occurs without their whole product.
    """
    return _shapes(message.signal_tree)


def _shapes(tree: Sequence[Any]) -> list[Shape]:
    plain = tuple(node for node in tree if isinstance(node, str))
    wheels: list[list[Shape]] = []
    for node in tree:
        if not isinstance(node, str):
            wheels.extend(
                [
                    Shape({multiplexer: value, **inner.selectors}, inner.signals)
                    for value, branch in sorted(branches.items())
                    for inner in _shapes(branch)
                ]
                for multiplexer, branches in node.items()
            )
    turns = max((len(wheel) for wheel in wheels), default=1)
    return [
        _joined(plain, [wheel[turn % len(wheel)] for wheel in wheels if wheel])
        for turn in range(max(turns, 1))
    ]


def _joined(plain: tuple[str, ...], parts: Sequence[Shape]) -> Shape:
    selectors: dict[str, int] = {}
    signals = list(plain)
    for part in parts:
        selectors.update(part.selectors)
        signals.extend(part.signals)
    return Shape(selectors, tuple(signals))
