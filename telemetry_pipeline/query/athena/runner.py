"""Running a statement at Athena: a few at a time, as long as somebody waits, and stopped when nobody does."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import pyathena
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from pyathena.model import AthenaQueryExecution
from pyathena.polars.cursor import PolarsCursor
from pyathena.util import RetryConfig

from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.query import patience
from telemetry_pipeline.query.athena.failures import Ending, of_client
from telemetry_pipeline.query.athena.statement import Statement

_log: Final = logging.getLogger(__name__)

POLL_S: Final = 0.25
"""How often it is asked whether the query is done; as often it is looked whether somebody still waits."""

REUSE_MINUTES: Final = 7 * 24 * 60
"""A result over closed days is good for as long as Athena keeps it: its query names the objects that it is of."""


@dataclass(frozen=True)
class Target:
    """Where queries run.

    Attributes:
        database: The Glue database.
        workgroup: The workgroup.
        output: Where results go, `s3://bucket/prefix/`; None leaves it to the workgroup.
        timeout_s: So long a question may take, its waiting included.
        parallel: So many queries may run at once.
    """

    database: str
    workgroup: str
    output: str | None = None
    timeout_s: float = 30.0
    parallel: int = 8


@dataclass(frozen=True)
class Fetched:
    """The result of a statement.

    Attributes:
        frame: Its rows; the last column is called `unit`.
        bytes_scanned: Bytes that Athena read for it; 0 where it took a former result.
        rows_scanned: Rows that it read; None where it does not say, which it does not always do at once.
    """

    frame: pl.DataFrame
    bytes_scanned: int
    rows_scanned: int | None


class Runner:
    """Runs statements. Safe to use from several threads.

    Args:
        session: A boto3 session.
        target: Where they run.
        endpoint_url: A server that stands in for AWS.
    """

    def __init__(self, session: Any, target: Target, *, endpoint_url: str | None = None) -> None:  # noqa: ANN401  made at run time
        self._target = target
        self._gate = threading.BoundedSemaphore(target.parallel)
        self._connection = pyathena.connect(
            session=session,
            region_name=session.region_name or "us-east-1",
            schema_name=target.database,
            work_group=target.workgroup,
            s3_staging_dir=target.output or "",
            endpoint_url=endpoint_url,
            poll_interval=POLL_S,
            kill_on_interrupt=False,
            config=Config(
                connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}
            ),
            # a question waits 30 s at most: a throttled call is tried again for a few of them
            retry_config=RetryConfig(attempt=3, multiplier=1, max_delay=2),
        )

    def run(self, statement: Statement) -> Fetched:
        """Run a statement and fetch all of its rows.

        Raises:
            TooLarge: It would read or hold more than the workgroup or Athena allows.
            PermanentError: Athena refuses it.
            TransientError: It took too long, nobody waits any more, or Athena does not answer.
        """
        waits = _Wait(self._target)
        with self._turn(waits):
            query = _Query(waits)
            cursor = self._connection.cursor(PolarsCursor, on_poll=query.polled)
            try:
                cursor.execute(
                    statement.sql,
                    list(statement.parameters),
                    paramstyle="qmark",
                    # Athena takes no former result where the output of the workgroup is overridden
                    result_reuse_enable=statement.closed and self._target.output is None,
                    result_reuse_minutes=REUSE_MINUTES,
                    on_start_query_execution=query.started,
                )
                return Fetched(
                    _named(cursor.as_polars(), statement.last),
                    cursor.data_scanned_in_bytes or 0,
                    self._rows_scanned(query),
                )
            except pyathena.error.Error as error:
                if (ending := query.ending) is not None:
                    raise ending.error(query.where) from error
                raise of_client(error, query.where) from error
            finally:
                if query.running:
                    self._stop(query)
                cursor.close()

    @contextmanager
    def _turn(self, waits: "_Wait") -> Iterator[None]:
        """Wait for a turn, as long as somebody waits for the answer."""
        while not self._gate.acquire(timeout=POLL_S):
            waits.check("every query that may run at once is running")
        try:
            yield
        finally:
            self._gate.release()

    def _stop(self, query: "_Query") -> None:
        try:
            self._connection.client.stop_query_execution(QueryExecutionId=query.id)
        except (ClientError, BotoCoreError) as error:  # it ends by itself, and costs what it costs
            _log.warning("query %s could not be stopped: %s", query.id, error)

    def _rows_scanned(self, query: "_Query") -> int | None:
        try:
            answer = self._connection.client.get_query_runtime_statistics(QueryExecutionId=query.id)
        except (ClientError, BotoCoreError):
            return None
        rows = answer.get("QueryRuntimeStatistics", {}).get("Rows", {}).get("InputRows")
        return None if rows is None else int(rows)


class _Wait:
    """How long one question may still take."""

    def __init__(self, target: Target) -> None:
        self._until = time.monotonic() + target.timeout_s
        self._seconds = target.timeout_s
        self._asker = patience.current()

    def check(self, doing: str, where: str = "Athena") -> None:
        """Raise when nobody waits any more or the time is up."""
        if self._asker.gone:
            raise patience.nobody_waits(where)
        if self._asker.left(self._until - time.monotonic()) <= 0:
            raise TransientError(
                f"no answer within {self._seconds:g} s ({doing})",
                where,
                "Ask for a shorter range or fewer signals, or ask again",
            )


class _Query:
    """One query as it runs."""

    def __init__(self, waits: _Wait) -> None:
        self.id = ""
        self._waits = waits
        self._execution: AthenaQueryExecution | None = None

    @property
    def where(self) -> str:
        return f"Athena query {self.id}" if self.id else "Athena"

    @property
    def running(self) -> bool:
        """Whether it was started and is not known to have ended."""
        ended = self._execution is not None and self._execution.state in AthenaQueryExecution.TERMINAL_STATES
        return bool(self.id) and not ended

    @property
    def ending(self) -> Ending | None:
        """How it ended, if it ended without a result."""
        execution = self._execution
        if execution is None or execution.state not in (
            AthenaQueryExecution.STATE_FAILED,
            AthenaQueryExecution.STATE_CANCELLED,
        ):
            return None
        return Ending(
            execution.state,
            execution.state_change_reason or execution.error_message or "",
            execution.error_category,
            execution.retryable,
        )

    def started(self, query_id: str) -> None:
        self.id = query_id

    def polled(self, execution: Any) -> None:  # noqa: ANN401  of a SQL query it is an AthenaQueryExecution
        self._execution = execution
        if self.running:
            self._waits.check("the query is still running", self.where)


def _named(frame: pl.DataFrame, last: str) -> pl.DataFrame:
    return frame.rename({last: "unit"}) if frame.width else frame
