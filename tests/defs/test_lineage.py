"""The graph: what is made from what, and that every asset says what it is and where its code is."""

import inspect
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.definitions import build_definitions
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.databases import describe
from telemetry_pipeline.defs.metadata import column_schema
from telemetry_pipeline.lake import layout, schema
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings
from tests.raw_lake import add_dbc
from tests.s3_server import S3Server

EVERY = (lineage.DBC, lineage.RAW_FRAMES, lineage.DECODED_SIGNALS, lineage.SIGNAL_SERIES, lineage.FLEET_DAILY)


@pytest.fixture
def graph(folder_lake: Store) -> Any:
    defs = build_definitions(Settings(lake=folder_lake.url))
    dg.Definitions.validate_loadable(defs)
    return defs.resolve_asset_graph()


def test_it_reads_as_the_data_flows(graph) -> None:
    made_from = {key: graph.get(key).parent_keys for key in EVERY}
    assert made_from == {
        lineage.DBC: set(),
        lineage.RAW_FRAMES: set(),
        lineage.DECODED_SIGNALS: {lineage.DBC, lineage.RAW_FRAMES},
        lineage.SIGNAL_SERIES: {lineage.DECODED_SIGNALS},
        lineage.FLEET_DAILY: {lineage.DECODED_SIGNALS},
    }
    assert not graph.has(lineage.GLUE_PARTITIONS)  # a folder has no catalogue


def test_a_bucket_has_a_catalogue_unless_it_is_switched_off(aws_lake: str, aws_server: S3Server) -> None:
    settings = Settings(lake=aws_lake, endpoint_url=aws_server.endpoint)
    graph = build_definitions(settings).resolve_asset_graph()
    assert graph.get(lineage.GLUE_PARTITIONS).parent_keys == {lineage.DECODED_SIGNALS}
    off = Settings(lake=aws_lake, endpoint_url=aws_server.endpoint, catalog="none")
    assert not build_definitions(off).resolve_asset_graph().has(lineage.GLUE_PARTITIONS)


@pytest.mark.parametrize("key", EVERY, ids=lambda key: key.to_user_string())
def test_an_asset_says_what_it_is(graph, key: dg.AssetKey) -> None:
    node = graph.get(key)
    assert len(node.description) > 40
    assert list(node.owners) == ["team:telemetry"]
    assert node.kinds
    assert node.group_name == "telemetry"
    assert node.tags["zone"] == key.path[-1]


@pytest.mark.parametrize("key", EVERY, ids=lambda key: key.to_user_string())
def test_its_code_is_where_the_link_leads(graph, key: dg.AssetKey) -> None:
    references = graph.get(key).metadata["dagster/code_references"].code_references
    assert references
    for reference in references:
        line = Path(reference.file_path).read_text().splitlines()[reference.line_number - 1]
        name = reference.label.rpartition(".")[2]
        assert name in line or "@" in line, f"{reference.file_path}:{reference.line_number}"
    assert inspect.getsourcefile(build_definitions)


def test_columns_are_those_of_the_lake(graph) -> None:
    for key, columns in (
        (lineage.RAW_FRAMES, schema.RAW_FD),
        (lineage.DECODED_SIGNALS, schema.DECODED),
        (lineage.FLEET_DAILY, schema.FLEET_DAILY),
    ):
        shown = graph.get(key).metadata["dagster/column_schema"]
        assert [column.name for column in shown.columns] == columns.names
    (name,) = [column for column in column_schema(schema.DECODED).columns if column.name == "unit"]
    assert (name.type, name.constraints.nullable) == ("string", False)


def test_databases_are_observed_when_they_change(folder_lake: Store) -> None:
    defs = build_definitions(Settings(lake=folder_lake.url))
    sensor = defs.resolve_sensor_def("databases_changed")

    def tick(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance=instance, cursor=cursor, resources=defs.resources) as context,
        ):
            return sensor(context)

    add_dbc(folder_lake)
    folder_lake.put(f"{layout.DBC}broken.dbc", b"BO_ no")
    first = tick(None)
    assert isinstance(first, dg.SensorResult)
    (observed,) = first.asset_events
    assert observed.asset_key == lineage.DBC
    assert observed.tags["dagster/data_version"] == describe(folder_lake)[0]
    rows = {record.data["database"]: record.data for record in observed.metadata["databases"].records}
    assert rows["ev_powertrain.dbc"]["messages"] > 0
    assert rows["ev_powertrain.dbc"]["signals"] > rows["ev_powertrain.dbc"]["messages"]
    assert rows["broken.dbc"]["error"]
    assert isinstance(tick(first.cursor), dg.SkipReason)
    folder_lake.put(layout.BINDINGS, b"bindings: [{vehicles: EV_1, dbc: ev_powertrain.dbc}]")
    second = tick(first.cursor)
    assert isinstance(second, dg.SensorResult)
    assert second.asset_events[0].tags["dagster/data_version"] != observed.tags["dagster/data_version"]
    assert second.asset_events[0].metadata["bound"].value is True
