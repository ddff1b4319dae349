"""A recording goes through real processes: import, Dagster's running sensor, a backfill from its UI."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.corpus import CORPUS, needs_corpus
from tests.servers import wait_until
from tests.stack import ROOT, Stack, running

pytestmark = pytest.mark.slow

DRIVE = CORPUS / "logs" / "stevendaniluk__MotecLogGenerator" / "can_sample.log.gz"
DATABASE = CORPUS / "dbc" / "stevendaniluk__MotecLogGenerator" / "sample_can_spec.dbc"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


def wait_decoded(stack: Stack, vehicle: str) -> dict:
    """Wait until Dagster has dealt with everything that a vehicle landed; its line of the status."""

    def done() -> dict | None:
        (line,) = [item for item in stack.status()["vehicles"] if item["vehicle_id"] == vehicle] or [{}]
        return line if line and line["pending"] == 0 else None

    return wait_until(done, f"Dagster to decode {vehicle}", pause=1.0)


def shown(stack: Stack, partition: str, rows: int) -> Counter[str]:
    """Wait until Dagster tells of so many rows of a partition, in one pass or in several; their numbers together."""

    def told() -> Counter[str] | None:
        whole: Counter[str] = Counter()
        for numbers in stack.materializations().get(partition, []):
            whole.update({name: number for name, number in numbers.items() if number is not None})
        return whole if whole["rows"] == rows else None

    return wait_until(told, f"{rows} rows of {partition} in Dagster's events")


@needs_corpus
def test_a_real_recording_gives_the_numbers_of_its_reference(stack: Stack) -> None:
    reference = json.loads((CORPUS / "pairs" / "subaru_brz" / "reference.json").read_text())
    expected = reference["bindings"][0]["reference"]
    stack.telemetry("dbc", "add", str(DATABASE))
    stack.telemetry("import", str(DRIVE), "--vehicle", "BRZ_001")
    line = wait_decoded(stack, "BRZ_001")
    assert (line["raw"], line["decoded"], line["quarantined"]) == (2, 2, 0)

    numbers = shown(stack, "2021-09-12|BRZ_001", expected["frames"])
    assert numbers["decoded_frames"] == expected["frames_decoded"]
    assert numbers["unknown_id"] == expected["frames_unknown_id"]
    assert numbers["decode_error"] == expected["frames_decode_error"]

    decoded = pl.read_parquet(stack.lake / "decoded" / "**" / "*.parquet", hive_partitioning=False)
    assert decoded.height == expected["signal_values"]
    found = {
        f"{message}.{signal}": values["value"]
        for (message, signal), values in decoded.group_by("message_name", "signal_name")
    }
    assert set(found) == set(expected["signals"])
    for name, signal in expected["signals"].items():
        values = found[name]
        assert values.len() == signal["count"], name
        assert (values.min(), values.max()) == (signal["min"], signal["max"]), name
        assert values.mean() == pytest.approx(signal["mean"], rel=1e-9), name


def test_a_simulated_drive_is_decoded_and_a_backfill_decodes_it_again(stack: Stack) -> None:
    stack.telemetry("dbc", "add", str(ROOT / "dbc" / "ev_powertrain.dbc"))
    drive = ("simulate", "--vehicle", "EV_007", "--start", "2026-02-23T12:00:00Z", "--duration", "3m")
    stack.telemetry(*drive)
    line = wait_decoded(stack, "EV_007")
    assert line["decoded"] == line["raw"] == 3
    partition = "2026-02-23|EV_007"
    raw = pl.scan_parquet(stack.lake / "raw" / "vehicle_id=EV_007" / "**" / "*.parquet")
    frames = raw.select(pl.len()).collect().item()
    before = shown(stack, partition, frames)
    files = sorted(Path(stack.lake).glob("decoded/vehicle_id=EV_007/**/*.parquet"))
    contents = [path.read_bytes() for path in files]
    for path in files:
        path.write_bytes(b"damaged")

    launched = stack.graphql(
        """mutation ($partition: String!) { launchPartitionBackfill(backfillParams: {
            assetSelection: [{path: ["decoded_signals"]}], partitionNames: [$partition] }) {
            __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
        partition=partition,
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def backfill() -> str:
        answer = stack.graphql(
            "query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }",
            id=launched["backfillId"],
        )
        return answer["partitionBackfillOrError"]["status"]

    finished = wait_until(
        lambda: (status := backfill()) not in {"REQUESTED", "COMPLETED"} and status, "the backfill", pause=1.0
    )
    assert finished == "COMPLETED_SUCCESS"
    assert [path.read_bytes() for path in files] == contents
    after = stack.materializations()[partition][0]
    assert (after["rows"], after["decoded_frames"]) == (frames, before["decoded_frames"]) == (frames, frames)
