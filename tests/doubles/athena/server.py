"""Moto as a process whose Athena really executes what it is asked, over moto's own S3 and by moto's own Glue.

What only the real one has is played here: pages of 1,000 rows, reasons of failure, bytes scanned, cancelling, results
that are reused (by the letter of the query alone, the widest reading of what is documented), and throttling. A test
says what shall happen to the next queries by a file (see `running.AthenaServer`).
"""

import csv
import io
import json
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import duckdb
from moto import server as moto_server
from moto.athena import models, responses
from moto.core.exceptions import JsonRESTError
from moto.glue.models import glue_backends
from moto.s3.models import s3_backends

from tests.doubles.athena.engine import Result, execute
from tests.doubles.athena.failing import QueryFailed
from tests.doubles.athena.parameters import filled
from tests.doubles.athena.tables import DataFile, Declared

ACCOUNT = "123456789012"
PAGE_ROWS = 1000
TEXT_MAX = 262_144


class Refused(JsonRESTError):
    """A call that is answered with an error."""

    code = 400


@dataclass
class Execution:
    """One query from its start to its end."""

    sql: str
    parameters: list[str]
    database: str
    workgroup: str
    output: str
    reuse: bool
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "RUNNING"
    reason: str = ""
    error: QueryFailed | None = None
    result: Result | None = None
    reused: bool = False
    submitted: float = field(default_factory=time.time)
    connection: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    stopped: threading.Event = field(default_factory=threading.Event)


class Double:
    """Every query of the process.

    Args:
        folder: Where copies of objects are kept, and where a test leaves orders.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.executions: dict[str, Execution] = {}
        self._lock = threading.Lock()

    def order(self) -> dict[str, Any]:
        """What a test wants to happen to the next query."""
        orders = self.folder / "orders.json"
        with self._lock:
            waiting = json.loads(orders.read_text()) if orders.exists() else []
            if waiting:
                orders.write_text(json.dumps(waiting[1:]))
            return dict(waiting[0]) if waiting else {}

    def start(self, request: dict[str, Any], region: str) -> str:
        """StartQueryExecution."""
        order = self.order()
        if order.get("throttle"):
            raise Refused("TooManyRequestsException", "Rate exceeded")
        name = request["WorkGroup"] or "primary"
        workgroup = models.athena_backends[ACCOUNT][region].work_groups.get(name)
        if workgroup is None:
            raise Refused("InvalidRequestException", f"WorkGroup {name} is not found.")
        own = (workgroup.configuration.get("ResultConfiguration") or {}).get("OutputLocation")
        given = (request["ResultConfiguration"] or {}).get("OutputLocation")
        if not (given or own):
            raise Refused("InvalidRequestException", "No output location provided.")
        parameters = request["ExecutionParameters"] or []
        if any(not 1 <= len(text) <= 1024 for text in parameters) or len(request["QueryString"]) > TEXT_MAX:
            raise Refused("InvalidRequestException", "1 validation error detected")
        asked = (request["ResultReuseConfiguration"] or {}).get("ResultReuseByAgeConfiguration", {})
        execution = Execution(
            request["QueryString"],
            parameters,
            (request["QueryExecutionContext"] or {}).get("Database", "default"),
            name,
            f"{(given or own).rstrip('/')}/",
            bool(asked.get("Enabled")) and not given,
        )
        execution.output += f"{execution.id}.csv"
        with self._lock:
            former = next(
                (
                    other
                    for other in self.executions.values()
                    if execution.reuse
                    and other.result is not None
                    and (other.sql, other.database, other.workgroup)
                    == (execution.sql, execution.database, name)
                ),
                None,
            )
            self.executions[execution.id] = execution
        if former is not None:
            execution.output, execution.result, execution.reused = former.output, former.result, True
            execution.state = "SUCCEEDED"
        else:
            threading.Thread(target=self._run, args=(execution, order, region), daemon=True).start()
        return execution.id

    def stop(self, execution: Execution) -> None:
        """StopQueryExecution; one that has ended stays as it is."""
        execution.stopped.set()
        execution.connection.interrupt()
        if execution.state == "RUNNING":
            execution.state, execution.reason = "CANCELLED", "Query cancelled by user"

    def _run(self, execution: Execution, order: dict[str, Any], region: str) -> None:
        try:
            if execution.stopped.wait(order.get("delay_s", 0)):
                return
            if "cancel" in order:
                execution.state, execution.reason = "CANCELLED", order["cancel"]
                return
            _fail(order)
            tables = _tables(execution.database, region, self.folder)
            result = execute(execution.connection, filled(execution.sql, execution.parameters), tables)
            _put_csv(execution.output, result)
            execution.result = result
            ended, reason = "SUCCEEDED", ""
        except duckdb.InterruptException:
            ended, reason = "CANCELLED", "Query cancelled by user"
        except QueryFailed as error:
            execution.error, ended, reason = error, "FAILED", error.reason
        except Exception as error:  # a fault of the double must not look like a query that runs for ever
            execution.error = QueryFailed(f"THE DOUBLE FAILED: {error!r}", category=2)
            ended, reason = "FAILED", execution.error.reason
        if execution.state == "RUNNING":
            execution.state, execution.reason = ended, reason
        execution.connection.close()


def _fail(order: dict[str, Any]) -> None:
    if "fail" in order:
        raise QueryFailed(**order["fail"])


def _tables(database: str, region: str, folder: Path) -> dict[str, Declared]:
    """The tables of a database, as Glue has them at this moment."""
    glue = glue_backends[ACCOUNT][region]
    if database not in glue.databases:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: line 1:1: Schema {database} does not exist")
    found = {}
    for name, table in glue.databases[database].tables.items():
        declared = table.versions[max(table.versions, key=int)] if table.versions else {}
        found[name] = Declared(
            name,
            {column["Name"]: column["Type"] for column in declared["StorageDescriptor"]["Columns"]},
            tuple(key["Name"] for key in declared["PartitionKeys"]),
            lambda table=table: _files(list(table.partitions.values()), folder),
        )
    return found


def _files(partitions: Sequence[Any], folder: Path) -> list[DataFile]:
    found = []
    for partition in partitions:
        place = partition.partition_input["StorageDescriptor"]["Location"]
        bucket_name, _, prefix = place.removeprefix("s3://").partition("/")
        bucket = s3_backends[ACCOUNT]["aws"].buckets[bucket_name]
        for key in sorted(name for name in bucket.keys.keys() if name.startswith(prefix)):  # noqa: SIM118  moto's own kind
            item = bucket.keys[key]
            copy = folder / f"{item.etag.strip(chr(34))}.parquet"
            if not copy.exists():
                part = copy.with_suffix(f".{uuid.uuid4().hex}")
                part.write_bytes(item.value)
                part.rename(copy)
            own = folder / f"{uuid.uuid5(uuid.NAMESPACE_URL, bucket_name + key + item.etag)}.parquet"
            if not own.exists():  # objects of equal bytes are still two objects
                own.hardlink_to(copy)
            found.append(DataFile(own, f"s3://{bucket_name}/{key}", tuple(partition.values)))
    return found


def _put_csv(output: str, result: Result) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NOTNULL if sys.version_info >= (3, 12) else csv.QUOTE_ALL)
    writer.writerow([name for name, _ in result.columns])
    if sys.version_info >= (3, 12):
        writer.writerows(result.rows)
    else:
        for row in result.rows:  # NULL is nothing at all, an empty text is two quotes
            text.write(",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in row) + "\n")
    bucket, _, key = output.removeprefix("s3://").partition("/")
    s3_backends[ACCOUNT]["aws"].put_object(bucket, key, text.getvalue().encode())


class Responses(responses.AthenaResponse):
    """The calls that moto would answer without executing anything."""

    double: ClassVar[Double]

    def _execution(self) -> Execution:
        found = self.double.executions.get(self._get_param("QueryExecutionId"))
        if found is None:
            raise Refused("InvalidRequestException", "QueryExecution was not found")
        return found

    def start_query_execution(self) -> str:
        names = (
            *("QueryString", "QueryExecutionContext", "ResultConfiguration"),
            *("WorkGroup", "ExecutionParameters", "ResultReuseConfiguration"),
        )
        started = self.double.start({name: self._get_param(name) for name in names}, self.region)
        return json.dumps({"QueryExecutionId": started})

    def get_query_execution(self) -> str:
        execution = self._execution()
        status: dict[str, Any] = {"State": execution.state, "SubmissionDateTime": execution.submitted}
        if execution.reason:
            status["StateChangeReason"] = execution.reason
        if execution.error is not None:
            status["AthenaError"] = {
                "ErrorCategory": execution.error.category,
                "ErrorType": 233,
                "Retryable": execution.error.retryable,
                "ErrorMessage": execution.error.reason,
            }
        if execution.state != "RUNNING":
            status["CompletionDateTime"] = time.time()
        scanned = execution.result.cost.bytes if execution.result and not execution.reused else 0
        return json.dumps(
            {
                "QueryExecution": {
                    "QueryExecutionId": execution.id,
                    "Query": execution.sql,
                    "StatementType": "DML",
                    "SubstatementType": "SELECT",
                    "ResultConfiguration": {"OutputLocation": execution.output},
                    "QueryExecutionContext": {"Database": execution.database},
                    "Status": status,
                    "Statistics": {
                        "DataScannedInBytes": scanned,
                        "ResultReuseInformation": {"ReusedPreviousResult": execution.reused},
                    },
                    "WorkGroup": execution.workgroup,
                    "ExecutionParameters": execution.parameters or ["-"],
                }
            }
        )

    def get_query_results(self) -> str:
        execution = self._execution()
        if execution.result is None:
            raise Refused("InvalidRequestException", f"Query has state {execution.state}")
        names = [name for name, _ in execution.result.columns]
        start = int(self._get_param("NextToken") or 0)
        size = min(int(self._get_param("MaxResults") or PAGE_ROWS), PAGE_ROWS)
        rows: list[Sequence[str | None]] = [names, *execution.result.rows]
        page = rows[start : start + size]
        answer: dict[str, Any] = {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": [
                    {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
                    for row in page
                ],
                "ResultSetMetadata": {
                    "ColumnInfo": [
                        {
                            "CatalogName": "hive",
                            "Name": name,
                            "Label": name,
                            "Type": kind,
                            "Precision": 0,
                            "Scale": 0,
                            "Nullable": "UNKNOWN",
                            "CaseSensitive": False,
                        }
                        for name, kind in execution.result.columns
                    ]
                },
            },
        }
        if start + size < len(rows):
            answer["NextToken"] = str(start + size)
        return json.dumps(answer)

    def stop_query_execution(self) -> str:
        self.double.stop(self._execution())
        return "{}"

    def list_query_executions(self) -> str:
        return json.dumps({"QueryExecutionIds": list(self.double.executions)})

    def get_query_runtime_statistics(self) -> str:
        execution = self._execution()
        rows = (
            {"InputRows": execution.result.cost.rows}
            if execution.result and not (self.double.folder / "no-rows").exists()
            else {}
        )
        return json.dumps({"QueryRuntimeStatistics": {"Rows": rows}})


def main() -> None:
    """`server.py PORT FOLDER`."""
    port, folder = sys.argv[1:]
    Responses.double = Double(Path(folder))
    for name in vars(Responses):
        if not name.startswith("_") and callable(getattr(Responses, name)) and name != "double":
            setattr(responses.AthenaResponse, name, getattr(Responses, name))
    responses.AthenaResponse.double = Responses.double  # type: ignore[attr-defined]
    responses.AthenaResponse._execution = Responses._execution  # type: ignore[attr-defined]
    moto_server.main(["-H", "127.0.0.1", "-p", port])


if __name__ == "__main__":
    main()
