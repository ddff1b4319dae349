"""What the signals of a vehicle mean: the data dictionaries of the databases that its rows were decoded with.

The footer of a decoded object names its databases; the newest object of the days asked about decides, as it does for
units. Lakes without dictionaries are answered as well, with nothing known.
"""

import json
import logging
import time
from bisect import bisect_left
from typing import Any, Final

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.dictionary import Dictionary, MessageMeaning, dictionary_key, load
from telemetry_pipeline.lake.footer import footer_at
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.cache import WeightedCache

_log: Final = logging.getLogger(__name__)

KEPT_S: Final = 60.0
"""What was looked up is believed for so long: a database that is bound anew shows after a minute."""

_ENTRIES: Final = 20_000
_SIGNALS: Final = 200_000
"""Signals of dictionaries that are remembered: about a kilobyte each where values have names."""

_TRIED: Final = 3
"""Objects of a day that are asked for their databases before it counts as unknown."""

_NOTHING: Final = Dictionary()


class Meanings:
    """Looks up what signals mean. Safe to use from several threads.

    Args:
        store: The lake.
        kept_s: How long a lookup is believed.
    """

    def __init__(self, store: Store, kept_s: float = KEPT_S) -> None:
        self._store = store
        self._kept_s = kept_s
        self._days: WeightedCache[str, tuple[float, list[Partition]]] = WeightedCache(_ENTRIES)
        self._used: WeightedCache[Partition, tuple[float, tuple[str, ...]]] = WeightedCache(_ENTRIES)
        self._loaded: WeightedCache[str, list[MessageMeaning]] = WeightedCache(_SIGNALS)
        self._merged: WeightedCache[tuple[str, ...], Dictionary] = WeightedCache(_SIGNALS)

    def of(self, vehicle_id: str, end_ns: int | None = None) -> Dictionary:
        """What is known of a vehicle's messages and signals.

        Args:
            vehicle_id: The vehicle.
            end_ns: As of the last day before this instant that has data; None: as of the newest day.

        Raises:
            BadKey: It is not a vehicle id.
            TransientError: The store does not answer.
        """
        days = self._days_of(layout.check_vehicle_id(vehicle_id))
        if not days:
            return _NOTHING
        last = len(days)
        if end_ns is not None:
            last = max(bisect_left(days, end_ns, key=lambda day: day.start_ns), 1)
        return self._dictionary(self._databases(days[last - 1]))

    def _days_of(self, vehicle_id: str) -> list[Partition]:
        known = self._days.get(vehicle_id)
        if known is not None and time.monotonic() - known[0] < self._kept_s:
            return known[1]
        days = ledger.partitions(self._store, vehicle_id, layout.DECODED)
        self._days.put(vehicle_id, (time.monotonic(), days), len(days) // 100 + 1)
        return days

    def _databases(self, day: Partition) -> tuple[str, ...]:
        """The SHA-256 of the databases of a day's newest object, the most important first."""
        known = self._used.get(day)
        if known is not None and time.monotonic() - known[0] < self._kept_s:
            return known[1]
        digests: tuple[str, ...] = ()
        for item in ledger.decoded_objects(self._store, day)[: -_TRIED - 1 : -1]:
            try:
                digests = _digests(json.loads(footer_at(self._store, item.key)["dbc"]))
                break
            except (BadRaw, NotFound, KeyError, TypeError, ValueError, AttributeError) as error:
                _log.info("%s does not say what it was decoded with (%s)", item.key, error)
        self._used.put(day, (time.monotonic(), digests), 1)
        return digests

    def _dictionary(self, digests: tuple[str, ...]) -> Dictionary:
        if (merged := self._merged.get(digests)) is not None:
            return merged
        parts = [self._messages(sha256) for sha256 in digests]
        merged = Dictionary(message for part in parts if part is not None for message in part)
        if None not in parts:  # what is not there yet may be there the next time
            self._merged.put(digests, merged, sum(_weight(part) for part in parts if part))
        return merged

    def _messages(self, sha256: str) -> list[MessageMeaning] | None:
        if (known := self._loaded.get(sha256)) is not None:
            return known
        key = dictionary_key(sha256)
        try:
            messages = load(self._store.get(key), key)
        except (NotFound, BadRaw) as error:
            _log.info("no names of values: %s", error)
            return None
        self._loaded.put(sha256, messages, _weight(messages))
        return messages


def _digests(scopes: list[dict[str, Any]]) -> tuple[str, ...]:
    """Of databases of several ages the newest comes first."""
    by_age = sorted(scopes, key=lambda scope: -int(scope.get("age", 0)))
    # a footer is another writer's word: only a digest becomes a part of a key
    found = [str(scope["sha256"]) for scope in by_age]
    return tuple(dict.fromkeys(digest for digest in found if len(digest) == 64 and digest.isalnum()))


def _weight(messages: list[MessageMeaning]) -> int:
    return sum(len(message.signals) for message in messages) + 1
