"""Glue's verbs for databases, tables and partitions, with its limits a call and its ways to fail.

What is declared is `tables`' business, what a lake should have is `sync`'s. Everything may be done again at any time:
what is there already is no error.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
)

from telemetry_pipeline.catalog.tables import Table, partition_input, table_input
from telemetry_pipeline.errors import BadSetting, PermanentError, TransientError

CREATE_MAX: Final = 100
UPDATE_MAX: Final = 100
DELETE_MAX: Final = 25
"""Partitions that one call takes."""

ROUNDS: Final = 3
"""How often an entry is tried that Glue refuses alone, within a call that went well."""

_REFUSED: Final = (
    "AccessDeniedException",
    "InvalidInputException",
    "GlueEncryptionException",
    "ResourceNumberLimitExceededException",
)
_BEFORE: Final = "AlreadyExistsException"
_GONE: Final = "EntityNotFoundException"

Change = Literal["created", "updated", "made anew", "unchanged"]


@dataclass
class Registered:
    """What became of partitions, by prefix.

    Attributes:
        created: Those that were not there before.
        existing: Those that were.
        failed: Those that Glue refused, and why.
    """

    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class Glue:
    """The catalogue of one lake in one Glue database.

    Args:
        client: A boto3 client of Glue.
        lake: The lake's URL.
        database: The name of the database.
    """

    def __init__(self, client: Any, lake: str, database: str) -> None:  # noqa: ANN401  clients are made at run time
        self._client = client
        self.lake = lake.rstrip("/")
        self.database = database

    def ensure_database(self) -> bool:
        """Make the database if it is missing; whether it was."""
        with self._translated(self.database):
            try:
                self._client.get_database(Name=self.database)
            except ClientError as error:
                if _code(error) != _GONE:
                    raise
            else:
                return False
            try:
                self._client.create_database(
                    DatabaseInput={"Name": self.database, "Description": f"CAN telemetry in {self.lake}"}
                )
            except ClientError as error:
                if _code(error) != _BEFORE:  # another one was quicker
                    raise
                return False
            return True

    def ensure_table(self, table: Table, extra: dict[str, str] | None = None) -> Change:
        """Make a table, or bring it in line with its declaration.

        One with other partition columns is made anew: its partitions mean nothing any more.

        Args:
            table: The table.
            extra: Further table parameters.

        Raises:
            BadSetting: There is a table of this name over another place: it is another lake's.
        """
        wanted = table_input(table, self.lake)
        wanted["Parameters"].update(extra or {})
        with self._translated(f"{self.database}.{table.name}"):
            found = self.table(table.name)
            if found is None:
                self._client.create_table(DatabaseName=self.database, TableInput=wanted)
                return "created"
            self._refuse_strangers(table.name, found, wanted)
            if found.get("PartitionKeys", []) != wanted["PartitionKeys"]:
                self._client.delete_table(DatabaseName=self.database, Name=table.name)
                self._client.create_table(DatabaseName=self.database, TableInput=wanted)
                return "made anew"
            if _holds(found, wanted):
                return "unchanged"
            # what others added to the table's parameters stays
            wanted["Parameters"] = {**found.get("Parameters", {}), **wanted["Parameters"]}
            self._client.update_table(DatabaseName=self.database, TableInput=wanted)
            return "updated"

    def table(self, name: str) -> dict[str, Any] | None:
        """A table as Glue has it, or None."""
        with self._translated(f"{self.database}.{name}"):
            try:
                found: dict[str, Any] = self._client.get_table(DatabaseName=self.database, Name=name)["Table"]
            except ClientError as error:
                if _code(error) == _GONE:
                    return None
                raise
            return found

    def partitions(self, table: Table, expression: str = "") -> Iterator[dict[str, Any]]:
        """A table's partitions as Glue has them, page by page.

        Args:
            table: The table.
            expression: A condition on the partition columns, such as `vehicle_id='EV_1' AND year='2026'`.

        Raises:
            BadSetting: There is no such table.
        """
        question = {"DatabaseName": self.database, "TableName": table.name}
        if expression:
            question["Expression"] = expression
        with self._translated(f"{self.database}.{table.name}"):
            try:
                for page in self._client.get_paginator("get_partitions").paginate(**question):
                    yield from page["Partitions"]
            except ClientError as error:
                if _code(error) == _GONE:
                    raise BadSetting(
                        "the catalogue has no such table",
                        f"{self.database}.{table.name}",
                        "Run: telemetry catalog sync",
                    ) from error
                raise

    def create(self, table: Table, prefixes: Iterable[str]) -> Registered:
        """Register partitions by their prefixes; those that are there already stay as they are."""
        result = Registered()

        def call(batch: Sequence[str]) -> list[dict[str, Any]]:
            answer = self._client.batch_create_partition(
                DatabaseName=self.database,
                TableName=table.name,
                PartitionInputList=[partition_input(table, self.lake, prefix) for prefix in batch],
            )
            errors: list[dict[str, Any]] = answer.get("Errors", [])
            return errors

        self._each(table, prefixes, CREATE_MAX, call, result)
        return result

    def update(self, table: Table, prefixes: Iterable[str]) -> Registered:
        """Bring registered partitions in line with the table; those in `created` were brought in line."""
        result = Registered()

        def call(batch: Sequence[str]) -> list[dict[str, Any]]:
            inputs = [partition_input(table, self.lake, prefix) for prefix in batch]
            answer = self._client.batch_update_partition(
                DatabaseName=self.database,
                TableName=table.name,
                Entries=[{"PartitionValueList": item["Values"], "PartitionInput": item} for item in inputs],
            )
            return [
                {**error, "PartitionValues": error["PartitionValueList"]}
                for error in answer.get("Errors", [])
            ]

        self._each(table, prefixes, UPDATE_MAX, call, result)
        return result

    def delete(self, table: Table, values: Iterable[Sequence[str]]) -> dict[str, str]:
        """Forget partitions by their values. The lake is not touched.

        Returns:
            Those that Glue refused, by their values with a `/` between, and why; the others are gone.
        """
        refused = {}
        with self._translated(f"{self.database}.{table.name}"):
            for batch in _batches([list(item) for item in values], DELETE_MAX):
                answer = self._client.batch_delete_partition(
                    DatabaseName=self.database,
                    TableName=table.name,
                    PartitionsToDelete=[{"Values": item} for item in batch],
                )
                for error in answer.get("Errors", []):
                    why = error.get("ErrorDetail", {})
                    if why.get("ErrorCode") != _GONE:
                        refused["/".join(error["PartitionValues"])] = _said(why)
        return refused

    def _each(
        self,
        table: Table,
        prefixes: Iterable[str],
        size: int,
        call: Callable[[Sequence[str]], list[dict[str, Any]]],
        result: Registered,
    ) -> None:
        """Send prefixes in batches, and those that Glue refused alone again, `ROUNDS` times in all."""
        waiting = {table.values(prefix): prefix for prefix in prefixes}
        for _ in range(ROUNDS):
            result.failed.clear()
            again: dict[tuple[str, ...] | None, str] = {}
            for batch in _batches(list(waiting.values()), size):
                with self._translated(f"{self.database}.{table.name}"):
                    errors = {
                        tuple(error["PartitionValues"]): error.get("ErrorDetail", {}) for error in call(batch)
                    }
                for prefix in batch:
                    values = table.values(prefix)
                    error = errors.get(values) if values else None
                    if error is None:
                        result.created.append(prefix)
                    elif error.get("ErrorCode") == _BEFORE:
                        result.existing.append(prefix)
                    else:
                        again[values] = prefix
                        result.failed[prefix] = _said(error)
            waiting = again
            if not waiting:
                return

    def _refuse_strangers(self, name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        place = found.get("StorageDescriptor", {}).get("Location", "")
        if place.rstrip("/") != wanted["StorageDescriptor"]["Location"].rstrip("/"):
            raise BadSetting(
                f"there is a table of this name over {place or 'no place'}",
                f"{self.database}.{name}",
                "Name another database in TELEMETRY_CATALOG, or drop that table",
            )

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turn the client's errors into ours: refusals need a person, everything else may be well in a minute."""
        try:
            yield
        except ClientError as error:
            said = f"Glue says {error.response['Error'].get('Message') or _code(error)}"
            if _code(error) in _REFUSED or _code(error) == _GONE:
                raise PermanentError(
                    said, what, "Check the policy, and run: telemetry catalog sync"
                ) from error
            raise TransientError(said, what) from error
        except (NoCredentialsError, NoRegionError) as error:
            raise BadSetting(
                f"Glue cannot be asked ({error})", what, "Set AWS_PROFILE, or run where a role is attached"
            ) from error
        except BotoCoreError as error:
            raise TransientError(f"Glue does not answer ({error})", what) from error


def _holds(found: Any, wanted: Any) -> bool:  # noqa: ANN401  JSON
    """Whether everything that is wanted is there; Glue adds entries of its own."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(_holds(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code", ""))


def _said(detail: Mapping[str, Any]) -> str:
    """Why Glue refuses one of many."""
    return f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
