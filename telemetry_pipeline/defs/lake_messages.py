"""The near end of a Pipes session: context and messages go through the lake, whoever decodes can reach that.

What the messages say is `pipes`' business, who is sent what `dispatch`'s.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from telemetry_pipeline import pipes
from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake.store import Store

if TYPE_CHECKING:
    from dagster_pipes import PipesContextData, PipesParams

    from telemetry_pipeline.process import Outcome


class LakeMessageReader(dg.PipesMessageReader):
    """Reads all messages of one session when the other end is done, and removes them.

    Dagster's own reader of S3 takes one object a second, gives up some seconds after the end with what it has by
    then, and leaves the objects in the bucket's root for ever.

    Attributes:
        outcomes: What became of the objects that the other end told of.
        opened: Whether the other end began.
        closed: Whether it ended in order, be it by an exception; a process that is killed does not.
    """

    def __init__(self, store: Store, run_id: str) -> None:
        self.outcomes: list[Outcome] = []
        self.opened = False
        self.closed = False
        self._store = store
        self._prefix = session_prefix(run_id)

    @contextmanager
    def read_messages(self, handler: dg.PipesMessageHandler) -> Iterator["PipesParams"]:
        """Give the other end a place to write to, and read it all afterwards.

        Raises:
            TransientError: The store does not answer; what was told is not known.
        """
        try:
            yield {pipes.PREFIX: self._prefix}
        finally:
            self._read(handler)

    @property
    def expected_writer_count(self) -> int:
        """One; the property is Dagster's, whose own warns that it is a preview."""
        return 1

    def _read(self, handler: dg.PipesMessageHandler) -> None:
        for number in count(1):
            key = pipes.chunk_key(self._prefix, number)
            try:
                lines = self._store.get(key).splitlines()
            except NotFound:
                return
            for line in lines:
                message = json.loads(line)
                handler.handle_message(message)
                self.opened |= message["method"] == "opened"
                self.closed |= message["method"] == "closed"
                if message["method"] == "report_custom_message":
                    self.outcomes.append(pipes.outcome_from_dict(message["params"]["payload"]))
            self._store.delete(key)

    def no_messages_debug_text(self) -> str:
        """Where messages were looked for."""
        return f"Looked for messages in the lake, under {self._prefix}"


class LakeContextInjector(dg.PipesContextInjector):
    """Hands a run's context to a job as an object: a list of keys is longer than an argument may be."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._key = f"{session_prefix(run_id)}context.json"

    @contextmanager
    def inject_context(self, context: "PipesContextData") -> Iterator["PipesParams"]:
        """Write the context, and remove it when the session is over."""
        self._store.put(self._key, json.dumps(context).encode())
        try:
            yield {pipes.CONTEXT_KEY: self._key}
        finally:
            self._store.delete(self._key)

    def no_messages_debug_text(self) -> str:
        """Where the context was put."""
        return f"Put the context into the lake, at {self._key}"


def session_prefix(run_id: str) -> str:
    """A place of its own for one session of a run."""
    return f"{pipes.SESSIONS}{run_id}/{uuid.uuid4().hex}/"


class _Step:
    """A step as a session sees it that reports nothing for the step's assets.

    The session of an asset demands that its step yields every output; ours reports an event for each partition.
    """

    has_assets_def = False

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the context has
        return getattr(self._context, name)


def without_outputs(context: dg.AssetExecutionContext) -> dg.AssetExecutionContext:
    """A step's context for sessions whose results are reported by the caller, per partition."""
    return cast("dg.AssetExecutionContext", _Step(context))
