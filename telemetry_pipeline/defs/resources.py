"""The lake as a Dagster resource; what it does is `lake.store`'s and `bindings`' business."""

import dagster as dg

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import HERE, Settings


class LakeResource(dg.ConfigurableResource["LakeResource"]):
    """Where the lake lies (see `settings.Settings`)."""

    url: str
    endpoint_url: str | None = None
    strict_length: bool = False
    inbox_queue: str | None = None
    decoder: str = HERE

    @classmethod
    def of(cls, settings: Settings) -> "LakeResource":
        """The resource that settings describe."""
        return cls(
            url=settings.lake,
            endpoint_url=settings.endpoint_url,
            strict_length=settings.strict_length,
            inbox_queue=settings.inbox_queue,
            decoder=settings.decoder,
        )

    def store(self) -> Store:
        """The lake's objects."""
        return Store.open(self.url, endpoint_url=self.endpoint_url)

    def inbox(self) -> Inbox:
        """What waits in the lake."""
        return open_inbox(self.store(), self.inbox_queue)

    def databases(self) -> Databases:
        """The lake's CAN databases as they are now."""
        return Databases.load(self.store(), strict_length=self.strict_length)
