"""The data dictionary: what the messages and signals of a CAN database mean, as one JSON object in the lake.

It holds what readers show beside numbers (names of values, comments, limits), so that they need neither the database
nor a parser of it. One object per database, named after the SHA-256 of the database's bytes: the footers of decoded
objects name the databases that they were made with in the same way. How a database is read is `decode`'s business.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import layout

FORMAT: Final = 1
"""Counted up when the same database would give another dictionary; other formats are not read, but written anew."""


@dataclass(frozen=True, slots=True)
class SignalMeaning:
    """One signal as its database describes it.

    Attributes:
        unit: Its unit, "" when it has none.
        description: The database's comment, "" when there is none.
        choices: Names of values, by the physical value as decoded rows hold it (see `value_key`).
        minimum: The smallest value that the database allows, or None.
        maximum: The largest, or None.
    """

    unit: str = ""
    description: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class MessageMeaning:
    """One message as its database describes it.

    Attributes:
        name: Its name in the database.
        label: Its arbitration id, 0x1A0 or 0x18FEF100x; decoded rows append it to a name that is there twice.
        description: The database's comment, "" when there is none.
        signals: Its signals by name.
    """

    name: str
    label: str
    description: str
    signals: Mapping[str, SignalMeaning]


class Dictionary:
    """The messages of some databases by the names that decoded rows use; of equal names the first wins.

    Args:
        messages: In order of precedence.
    """

    def __init__(self, messages: Iterable[MessageMeaning] = ()) -> None:
        self._messages: dict[str, MessageMeaning] = {}
        for message in messages:
            self._messages.setdefault(message.name, message)
            self._messages.setdefault(f"{message.name}_{message.label}", message)

    def message(self, name: str) -> MessageMeaning | None:
        """What is known of a message, if anything."""
        return self._messages.get(name)

    def signal(self, message: str, signal: str) -> SignalMeaning | None:
        """What is known of a signal, if anything."""
        found = self._messages.get(message)
        return None if found is None else found.signals.get(signal)


def dictionary_key(sha256: str) -> str:
    """Where the dictionary of a database lies."""
    return f"{layout.DICTIONARY}{sha256}.json"


def value_key(value: float) -> str:
    """A physical value as the key of its name: `3`, `-1`, `0.5`; never `3.0`."""
    return str(int(value)) if value == int(value) else repr(value)


def dump(name: str, messages: Iterable[MessageMeaning]) -> bytes:
    """The dictionary of the database file `name` as bytes; the same database gives the same bytes."""
    plain = [
        {
            "name": message.name,
            "id": message.label,
            "description": message.description,
            "signals": {name: _plain(signal) for name, signal in message.signals.items()},
        }
        for message in messages
    ]
    document = {"format": FORMAT, "database": name, "messages": plain}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def load(body: bytes, where: str) -> list[MessageMeaning]:
    """The messages that `dump` was given.

    Raises:
        BadRaw: It is not a dictionary, or one of another format.
    """
    try:
        document = json.loads(body)
        if document["format"] != FORMAT:
            raise BadRaw(f"a dictionary of format {document['format']}, not {FORMAT}", where)
        return [
            MessageMeaning(
                str(message["name"]),
                str(message["id"]),
                str(message["description"]),
                {name: SignalMeaning(**signal) for name, signal in message["signals"].items()},
            )
            for message in document["messages"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRaw(f"not a data dictionary ({type(error).__name__})", where) from error


def _plain(signal: SignalMeaning) -> dict[str, Any]:
    """What is not empty, by name."""
    values = {
        "unit": signal.unit,
        "description": signal.description,
        "choices": dict(signal.choices),
        "minimum": signal.minimum,
        "maximum": signal.maximum,
    }
    return {name: value for name, value in values.items() if value not in ("", {}, None)}
