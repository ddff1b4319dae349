"""Which inbox fits a lake."""

from telemetry_pipeline.inbox.folder_inbox import FolderInbox
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.inbox.listed_inbox import ListedInbox
from telemetry_pipeline.inbox.queue import Queue
from telemetry_pipeline.inbox.queue_inbox import QueueInbox
from telemetry_pipeline.lake.store import Store


def open_inbox(store: Store, queue_url: str | None = None) -> Inbox:
    """The inbox that fits a lake.

    Args:
        store: The lake.
        queue_url: The SQS queue that takes the events of the lake's bucket, if there is one.

    Raises:
        BadSetting: There is a queue, and the lake is no bucket or the queue's URL is none.
    """
    if queue_url:
        return QueueInbox(store, Queue(queue_url))
    return ListedInbox(store) if store.root is None else FolderInbox(store, store.root)
