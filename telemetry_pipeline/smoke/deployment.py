"""The steps of checking a deployment, in the order in which one object meets what was deployed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, TABLES, Table
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.athena.connect import open_athena
from telemetry_pipeline.query.athena.runner import Target
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.settings import CATALOG
from telemetry_pipeline.smoke.aws import Aws
from telemetry_pipeline.smoke.front import ask_service, see_dashboard, see_unsigned_refused
from telemetry_pipeline.smoke.function import run_function
from telemetry_pipeline.smoke.identity import Vehicle
from telemetry_pipeline.smoke.outputs import Outputs, read_outputs
from telemetry_pipeline.smoke.passage import Passage, wait_for
from telemetry_pipeline.smoke.step import Failed, Step
from telemetry_pipeline.smoke.watched import see_alarms, see_dead_letters

_OF_VEHICLES: Final = tuple(table for table in TABLES if "vehicle_id" in table.keys)


@dataclass(frozen=True)
class Wanted:
    """What is checked, and how patiently.

    Attributes:
        name: What the names of the stacks begin with.
        vehicle_id: The vehicle that is made for it.
        token: A token of the user pool whose groups see that vehicle; None leaves those steps out.
        timeout_s: How long anything is waited for.
        credentials_endpoint: The host of vehicles' credentials; None asks AWS IoT for it.
        ca: Who signs for that host (PEM), if not one whom the system trusts.
        endpoint_url: A server that stands in for AWS.
    """

    name: str
    vehicle_id: str
    token: str | None
    timeout_s: float
    credentials_endpoint: str | None = None
    ca: Path | None = None
    endpoint_url: str | None = None


class Smoke:
    """One check of one deployment.

    Args:
        aws: Clients.
        wanted: What is checked.
        folder: A folder of its own, for a certificate.
    """

    def __init__(self, aws: Aws, wanted: Wanted, folder: Path) -> None:
        self._aws, self._wanted, self._folder = aws, wanted, folder
        self._vehicle = Vehicle(
            aws.client("iot"), wanted.vehicle_id, folder, wanted.credentials_endpoint, wanted.ca
        )
        self._keys: Callable[[], Mapping[str, Any]]
        self._outputs: Outputs
        self._passage: Passage | None = None

    def steps(self) -> Sequence[Step]:
        """What is looked at; nothing is done yet."""
        token = () if self._wanted.token else ("a token",)
        return (
            Step("stacks", self._stacks, "Sign in to the account of the deployment: AWS_PROFILE, AWS_DEFAULT_REGION"),
            Step("alarms", self._alarms, "Deploy the observe stack again: make deploy", ("stacks",)),
            Step(
                "dead letters",
                self._dead_letters,
                "Read a message: it names the object. docs/operations.md, DeadLetters",
                ("stacks",),
            ),
            Step(
                "lake",
                self._lake,
                "The bucket refuses everybody but its roles: name yours in the setting people, and deploy again",
                ("stacks",),
            ),
            Step(
                "identity",
                self._identity,
                "You need iot:CreateThing, CreateKeysAndCertificate, AttachPolicy and their opposites",
                ("lake",),
            ),
            Step("landing", self._land, "Check the edge role and the role alias: docs/edge.md", ("identity",)),
            Step("other prefixes", self._refused, "The edge role is wider than its prefix: deploy again", ("landing",)),
            Step(
                "decoding",
                self._decoded,
                "See the decoder's log, its queue and its event source mapping, or Dagster's sensor",
                ("landing",),
            ),
            Step("catalogue", self._catalogue, "See the log of the catalogue's function, or: telemetry catalog sync", ("decoding",)),
            Step("Athena", self._athena, "docs/athena.md; the workgroup's name and its results' bucket", ("catalogue",)),
            Step("unsigned", self._unsigned, "A route answers without a token: deploy the query stack again", ("stacks",)),
            Step("service", self._service, "See the service's log; the token's groups must show the vehicle", ("decoding", "unsigned", *token)),
            Step("dashboard", self._dashboard, "Deploy the site and query stacks again", ("stacks",)),
            Step("dead letters again", self._dead_letters, "As above", ("landing",)),
        )  # fmt: skip

    def removal(self) -> Sequence[Step]:
        """What takes everything away again; safe whatever was done before."""
        return (
            Step("objects removed", self._remove, "Delete what lies below the vehicle's prefixes by hand"),
            Step("identity removed", self._remove_identity, "Delete the thing and its certificate in AWS IoT by hand"),
        )  # fmt: skip

    def _stacks(self) -> str:
        self._outputs = read_outputs(self._aws.client("cloudformation"), self._wanted.name)
        return ", ".join(self._outputs.stacks)

    def _alarms(self) -> str:
        return see_alarms(self._aws.client("cloudwatch"), self._wanted.name, self._outputs)

    def _dead_letters(self) -> str:
        return see_dead_letters(self._aws.client("sqs"), self._outputs["DeadLetterQueueUrl"])

    def _lake(self) -> str:
        lake = Store.open(self._outputs.lake, endpoint_url=self._wanted.endpoint_url, region=self._aws.region)
        start_ns = (time.time_ns() // 1_000_000_000 - 60) * 1_000_000_000
        passage = Passage(lake, self._wanted.vehicle_id, start_ns, self._wanted.timeout_s)
        passage.refuse_taken()
        self._passage = passage
        return f"{lake.url}, {passage.database(self._folder)}"

    def _identity(self) -> str:
        self._keys = self._vehicle.make(self._outputs["EdgePolicy"], self._outputs["EdgeRoleAlias"])
        # a certificate is known everywhere a few seconds after it was made
        wait_for(self._has_keys, "keys for the certificate", min(60.0, self._wanted.timeout_s))
        return f"thing {self._wanted.vehicle_id}, role alias {self._outputs['EdgeRoleAlias']}"

    def _has_keys(self) -> bool:
        return bool(self._keys()["access_key_id"])

    def _land(self) -> str:
        return self._way.land(self._keys, **self._where)

    def _refused(self) -> str:
        return self._way.refused(self._keys, **self._where)

    def _decoded(self) -> str:
        return self._way.decoded()

    def _catalogue(self) -> str:
        how = "by Dagster"
        if "orchestrate" not in self._outputs.stacks:
            # it runs every hour by itself
            run_function(self._aws.functions(), f"{self._wanted.name}-catalog", self._wanted.timeout_s)
            how = "by its function"
        prefix = DECODED_SIGNALS.prefix_of(self._way.raw.partition)
        wait_for(
            lambda: DECODED_SIGNALS.values(prefix) in self._registered(DECODED_SIGNALS),
            f"{CATALOG}.{DECODED_SIGNALS.name}: {prefix}",
            self._wanted.timeout_s,
        )
        return f"{prefix} registered {how}"

    def _athena(self) -> str:
        store, name = self._way.lake, self._signal
        target = Target(CATALOG, self._outputs["AthenaWorkgroup"], timeout_s=self._wanted.timeout_s)
        reader = open_athena(
            ParquetReader(store, max_age_s=0), store, target, endpoint_url=self._wanted.endpoint_url
        )
        answer = reader.read(self._wanted.vehicle_id, [name], self._way.start_ns, self._way.end_ns)
        found, wanted = len(answer.series[0].t), self._samples
        if found != wanted:
            raise Failed(f"{found:,} samples instead of {wanted:,}", f"{name[0]}.{name[1]}")
        return f"{found:,} samples of {name[0]}.{name[1]}, {answer.bytes_scanned:,} bytes scanned"

    def _unsigned(self) -> str:
        return see_unsigned_refused(self._outputs)

    def _service(self) -> str:
        token = self._wanted.token or ""
        return ask_service(self._outputs, self._way, self._signal, self._samples, token)

    def _dashboard(self) -> str:
        return see_dashboard(self._outputs)

    def _remove(self) -> str:
        if self._passage is None:
            return "nothing was landed"
        said = self._passage.remove()
        for table in _OF_VEHICLES:  # a day is registered in each, whether or not anything of it is there
            if partitions := self._registered(table):
                self._glue.delete(table, partitions)
        return said

    def _registered(self, table: Table) -> list[tuple[str, ...]]:
        """The values of the vehicle's partitions in the catalogue; all are of this check, for the vehicle was none before."""
        # of this vehicle alone: the whole table is thousands of partitions, and this is asked again and again
        found = self._glue.partitions(table, f"vehicle_id = '{self._way.vehicle_id}'")
        return [tuple(item["Values"]) for item in found]

    def _remove_identity(self) -> str:
        return f"{self._vehicle.remove()} things taken away"

    @cached_property
    def _signal(self) -> SignalName:
        """One that the object has, as its footers say."""
        reader = ParquetReader(self._way.lake, max_age_s=0)
        message = reader.messages(self._wanted.vehicle_id)[0].message
        return message, reader.signals(self._wanted.vehicle_id, message)[0].signal

    @cached_property
    def _samples(self) -> int:
        """How many samples it has, read without Athena and without the service."""
        way = self._way
        answer = ParquetReader(way.lake, max_age_s=0).read(
            way.vehicle_id, [self._signal], way.start_ns, way.end_ns
        )
        return len(answer.series[0].t)

    @property
    def _way(self) -> Passage:
        if self._passage is None:
            raise Failed("nothing has landed")
        return self._passage

    @property
    def _where(self) -> dict[str, Any]:
        return {"endpoint_url": self._wanted.endpoint_url, "region": self._aws.region}

    @property
    def _glue(self) -> Glue:
        return Glue(self._aws.client("glue"), self._outputs.lake, CATALOG)
