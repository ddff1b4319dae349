"""The far end of Dagster Pipes: what became of each raw object is told to the run that sent the work away.

Who sends what where is `defs.dispatch`'s business. Messages are objects of the lake under `_state/pipes/`: a
function's log shows Dagster its last 4 KiB alone, and whoever decodes may write into the lake anyway.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from dagster_pipes import (
    PipesCliArgsParamsLoader,
    PipesContext,
    PipesContextData,
    PipesContextLoader,
    PipesDefaultContextLoader,
    PipesEnvVarParamsLoader,
    PipesMappingParamsLoader,
    PipesMessage,
    PipesMessageWriter,
    PipesMessageWriterChannel,
    PipesParams,
    PipesParamsLoader,
)

from telemetry_pipeline import errors
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import TelemetryError, Unforeseen
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome

SESSIONS: Final = f"{layout.STATE}pipes/"
RAW_KEYS: Final = "raw_keys"
"""Where an invocation's event, or a session's extras, say what to decode."""

PREFIX: Final = "prefix"
CONTEXT_KEY: Final = "context_key"

_CHUNK_BYTES: Final = 4_000_000


def chunk_key(prefix: str, number: int) -> str:
    """Where a session's messages lie: lines of JSON in objects that are numbered from 1 without a gap."""
    return f"{prefix}{number}.json"


@contextmanager
def answer_invocation(store: Store, event: Mapping[str, Any]) -> Iterator[PipesContext]:
    """The session of a function that Dagster invoked; the event carries it."""
    with _session(store, PipesMappingParamsLoader(event), PipesDefaultContextLoader()) as pipes:
        yield pipes


@contextmanager
def answer_job(store: Store) -> Iterator[PipesContext | None]:
    """The session of a job that Dagster started, or None when somebody else did.

    Glue hands it over as arguments, a process of this machine as variables.
    """
    params: PipesParamsLoader = PipesCliArgsParamsLoader()  # type: ignore[no-untyped-call]
    if not params.is_dagster_pipes_process():
        params = PipesEnvVarParamsLoader()  # type: ignore[no-untyped-call]
    if not params.is_dagster_pipes_process():
        yield None
        return
    with _session(store, params, _LakeContextLoader(store)) as pipes:
        yield pipes


def report_outcome(pipes: PipesContext, outcome: Outcome) -> None:
    """Tell what became of one object."""
    pipes.report_custom_message(outcome_to_dict(outcome))


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON takes it; `outcome_from_dict` gives the same again."""
    fault = outcome.failed
    return {
        "raw_key": outcome.raw.key,
        "report": None if outcome.report is None else outcome.report.to_dict(),
        "quarantined": outcome.quarantined,
        "failed": None if fault is None else [type(fault).__name__, fault.what, fault.where, fault.remedy],
    }


def outcome_from_dict(plain: Mapping[str, Any]) -> Outcome:
    """The outcome that `outcome_to_dict` gave."""
    report, failed = plain["report"], plain["failed"]
    return Outcome(
        RawObject.parse(plain["raw_key"]),
        report=None if report is None else Report.from_dict(report),
        quarantined=plain["quarantined"],
        failed=None if failed is None else _error(*failed),
    )


def _error(kind: str, what: str, where: str, remedy: str) -> TelemetryError:
    known = getattr(errors, kind, None)
    # a newer decoder may know errors that we do not
    cls = known if isinstance(known, type) and issubclass(known, TelemetryError) else Unforeseen
    return cls(what, where, remedy)


@contextmanager
def _session(store: Store, params: PipesParamsLoader, context: PipesContextLoader) -> Iterator[PipesContext]:
    # not `open_dagster_pipes`: it keeps one session for ever, and a warm function's second one would be closed
    with PipesContext(params, context, _LakeWriter(store)) as pipes:
        yield pipes


class _LakeContextLoader(PipesContextLoader):
    """Reads what Dagster says of the run from the lake."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def load_context(self, params: PipesParams) -> Iterator[PipesContextData]:
        yield json.loads(self._store.get(params[CONTEXT_KEY]))


class _LakeWriter(PipesMessageWriter["_LakeChannel"]):
    """Writes messages into the lake, in chunks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def open(self, params: PipesParams) -> Iterator["_LakeChannel"]:
        channel = _LakeChannel(self._store, params[PREFIX])
        yield channel
        channel.flush()


class _LakeChannel(PipesMessageWriterChannel):
    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix
        self._lines: list[str] = []
        self._size = 0
        self._chunks = 0

    def write_message(self, message: PipesMessage) -> None:
        self._lines.append(json.dumps(message))
        self._size += len(self._lines[-1])
        # the first one at once: whoever dies later has begun, whoever could not even begin has told nothing
        if message["method"] == "opened" or self._size > _CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._lines:
            self._chunks += 1
            self._store.put(chunk_key(self._prefix, self._chunks), "\n".join(self._lines).encode())
            self._lines.clear()
            self._size = 0
