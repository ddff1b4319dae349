"""What every inbox does: give out each raw object that waits once, and hear what became of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

from telemetry_pipeline.errors import BadDbc, TelemetryError, Unforeseen
from telemetry_pipeline.inbox.aside import Aside
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store


class Inbox(ABC):
    """Raw objects that wait to be decoded.

    An object that was given out is not given again before it is settled or left, and one that was left not before its
    time. Whoever dies with objects in hand loses nothing: the next inbox finds them.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._aside = Aside(store)
        self._given: set[RawObject] = set()

    @abstractmethod
    def _find(self) -> Iterator[RawObject]:
        """Candidates: objects that may wait, in the order in which they are to be decoded."""

    def rings(self) -> bool:
        """Whether something waits."""
        return bool(self.waiting(1))

    def waiting(self, limit: int) -> list[RawObject]:
        """Up to `limit` raw objects that are neither decoded, nor quarantined, nor set aside, nor given out already.

        Raises:
            TransientError: The store or the queue does not answer.
        """
        found: list[RawObject] = []
        self._aside.refresh()
        for raw in self._candidates():
            if raw not in self._given and not self._aside.holds(raw):
                self._given.add(raw)
                found.append(raw)
                if len(found) >= limit:
                    break
        return found

    def settle(self, raw: RawObject) -> None:
        """An object that was given out is decoded, quarantined or gone."""
        self._given.discard(raw)
        self._aside.forget(raw)

    def leave(self, raw: RawObject, error: TelemetryError) -> None:
        """An object that was given out stays pending, for the reason given."""
        self._given.discard(raw)
        if isinstance(error, BadDbc):
            self._aside.add_vehicle(raw.partition)
        else:
            # a fault of the decoder's mends itself no more than a database does
            self._aside.add_object(raw, mends_itself=not isinstance(error, Unforeseen))

    def strays(self) -> list[str]:
        """Keys under raw/ that are no raw objects and not in quarantine yet."""
        return []

    def settle_stray(self, key: str) -> None:  # noqa: B027  most inboxes look for themselves
        """A stray is in quarantine."""

    def keep(self) -> None:  # noqa: B027  most inboxes hold nothing that runs out
        """Hold on to what is given out; called at least once a minute while it is worked on."""

    def save(self) -> None:
        """Write the memory, if there is anything new in it."""
        self._aside.save()

    def close(self) -> None:
        """Give back what is not settled, and save."""
        self.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pending(self, partition: Partition) -> list[RawObject]:
        """What waits in a partition, set aside or not."""
        return ledger.read_ledger(self._store, partition).pending

    def _candidates(self) -> Iterator[RawObject]:
        for partition in self._aside.ripe_partitions():
            if pending := self._pending(partition):
                yield from pending
            else:
                self._aside.done_with(partition)
        for raw in self._aside.ripe_objects():
            if raw in self._given:
                continue
            if self._store.head(raw.key) is not None:  # decoded again is decoded alike
                yield raw
            else:
                self._aside.forget(raw)
        yield from self._find()
