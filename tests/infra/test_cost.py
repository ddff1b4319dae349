"""docs/cost.md says what the command computes, from prices that name their source; the bill adds up."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cost import bill, night
from infra.cost.__main__ import HERE, MEASURED, PAGE, main, read
from infra.cost.bill import kept_usd, lines, lists_of_a_look, pays_after_months, total
from infra.cost.measure import requests_in
from infra.cost.page import FLEETS, GROUPS, tables
from tests.infra.snapshots import path_of

PRICED = read(HERE / "prices.yaml")
HABITS = read(HERE / "habits.yaml")
SEEN = read(MEASURED)
NESTED = ("bytes", "requests_of_an_object", "requests_of_a_compaction")


def test_the_page_has_the_tables_that_the_command_writes() -> None:
    assert tables(PRICED, HABITS, SEEN) in PAGE.read_text(), "python -m infra.cost --write"


def test_every_price_is_used_and_names_its_source_or_that_it_has_none() -> None:
    used = {line.price for dagster in (False, True) for line in lines(1, SEEN, HABITS, dagster=dagster)}
    assert used == PRICED["prices"].keys()
    for name, item in PRICED["prices"].items():
        assert item["usd"] > 0, name
        assert item["source"] == "assumption" or "." in item["source"], name
        assert item["unit"], name


def test_every_line_has_a_group_of_the_page_and_an_amount() -> None:
    for vehicles in FLEETS:
        for dagster in (False, True):
            for line in lines(vehicles, SEEN, HABITS, dagster=dagster):
                assert line.group in GROUPS
                assert line.amount >= 0, line


def test_one_vehicle_by_hand() -> None:
    seen: dict[str, Any] = {
        "seconds": 3600,
        "objects": 60,
        "bytes": {"raw": 10e6, "decoded": 20e6, "series": 7e6, "overview": 1e6},
        "requests_of_an_object": {"write": 2, "read": 3},
        "cpu_seconds_of_a_look": 0.004,
        "cpu_seconds_of_an_object": 0.05,
        "requests_of_a_compaction": {"write": 12, "read": 120},
        "cpu_seconds_of_a_compaction": 0.5,
        "log_bytes_of_an_object": 1_000,
    }
    habits = {**HABITS, "driving_hours": 10, "driving_days": 5, "kept_months": 3, "archived_after_months": 3}
    habits |= {"s3_wait_seconds": 0.01, "objects_an_invocation": 1}
    one = lines(1, seen, habits)
    # 10 h of 38 MB each for 3 months, nothing archived
    assert total(one, PRICED["prices"], "storage") == pytest.approx(10 * 0.038 * 3 * 0.023)
    # 600 objects: landed, and three requests to the queue
    assert total(one, PRICED["prices"], "landing") == pytest.approx(600 * 5e-6 + 1_800 * 4e-7)
    requests = 600 * (2 * 5e-6 + 3 * 4e-7)
    # 0.05 s of work and five requests waited for, at 1 GB
    function = 600 * 2e-7 + 600 * (0.05 + 5 * 0.01) * 1.33334e-5
    assert total(one, PRICED["prices"], "decoding") == pytest.approx(requests + function + 600e3 / 1e9 * 0.5)
    # kept longer, its frames are archived: 167 kB an object, 8 kB of which stay outside and 32 kB come on top
    longer = lines(1, seen, {**habits, "kept_months": 4})
    warm = 10 * (0.01 * 3 + 0.028 * 4) + 600 * 8e-6
    cold = 10 * 0.01 + 600 * 32e-6
    assert total(longer, PRICED["prices"], "storage") == pytest.approx(
        warm * 0.023 + cold * 0.0036 + 600 * 3e-5
    )
    small = {**seen, "bytes": {**seen["bytes"], "raw": 1e6}}
    assert not any(
        line.amount
        for line in lines(1, small, {**habits, "kept_months": 4})
        if line.price.startswith("glacier")
    )
    more = lines(2, seen, habits)
    for group in ("storage", "landing", "decoding", "service"):
        assert total(more, PRICED["prices"], group) == pytest.approx(2 * total(one, PRICED["prices"], group))


def test_a_look_at_the_last_days_by_hand() -> None:
    # what tests/catalog/test_recent.py counts with five vehicles
    assert lists_of_a_look(5) == 1 + 2 * 5
    assert lists_of_a_look(1_500) == 2 + 2 * 1_500
    seen = {**SEEN, "cpu_seconds_of_a_look": 0.01}
    found = [line for line in lines(1_000, seen, HABITS) if line.group == "catalogue"]
    amounts = {line.price: line.amount for line in found}
    assert amounts["lambda_request"] == 730
    assert amounts["s3_write"] == 730 * (2_001 + 1)
    # four tables: 28 pages of known partitions, and ten batches of new ones a day; two months of three tiers
    assert amounts["glue_request"] == pytest.approx(730 * (4 * (28 + 10 / 24) + 6 + 30 / 730))
    # sixteen listings wait at a time, and the work of a vehicle takes longer than on a whole processor
    seconds = 2_001 * 0.03 / 16 + 1_000 * 0.01 * 1769 / 512
    assert amounts["lambda_gb_second"] == pytest.approx(730 * seconds * 0.5)


def test_a_month_of_nights_by_hand() -> None:
    seen = {
        **SEEN,
        "seconds": 3600,
        "objects": 60,
        "cpu_seconds_of_a_compaction": 0.5,
        "requests_of_a_compaction": {"write": 12, "read": 120},
    }
    habits = {**HABITS, "driving_hours": 60, "driving_days": 20, "s3_wait_seconds": 0.03}
    # years, months of the year; of two months four thousand objects by four pages, the series, three tiers
    assert night.lists_of_a_night(seen, habits) == 2 + 2 * (4 + 1 + 3)
    assert night.footers_of_a_night(habits) == 20 + 2 * 2
    # 12 for each of 20 days, 2 for each of 3,600 objects
    assert night.requests_of_compaction(seen, habits) == {"write": 240, "read": 7_200}
    waits, looks = (240 + 7_200) * 0.03, 30 * (18 + 24) * 0.03 / 16
    hours = (30 * 60 + 100 * (waits + looks + 60 * 0.5)) / 3_600
    assert night.hours_of_a_month(100, seen, habits) == pytest.approx(hours)
    amounts = {line.price: line.amount for line in lines(100, seen, habits) if line.group == "compacting"}
    assert amounts["fargate_vcpu_hour"] == pytest.approx(hours)
    assert amounts["fargate_gb_hour"] == pytest.approx(4 * hours)
    assert amounts["fargate_disk_gb_hour"] == pytest.approx(30 * hours)
    assert amounts["address_hour"] == pytest.approx(hours)
    assert amounts["s3_read"] == pytest.approx(100 * (7_200 + 30 * 24))
    # what Glue is told begins with another look at the last days
    assert amounts["s3_write"] == pytest.approx(100 * 240 + 30 * (100 * 18 + 201))
    assert not [line for line in lines(100, seen, habits, dagster=True) if line.group == "compacting"]


def test_the_task_is_as_large_as_the_stacks_make_it() -> None:
    resources = json.loads(path_of("alone", "decode").read_text())["Resources"].values()
    (task,) = (it["Properties"] for it in resources if it["Type"] == "AWS::ECS::TaskDefinition")
    assert (task["Cpu"], task["Memory"]) == (f"{night.VCPU * 1024}", f"{night.MEMORY_GB * 1024}")
    assert task["EphemeralStorage"]["SizeInGiB"] == night.DISK_GB
    assert f"{night.BEGIN_WITHIN_H}h" in task["ContainerDefinitions"][0]["Command"]


def test_alarms_are_as_many_metrics_as_the_stacks_make_them() -> None:
    # with Dagster there are fewer: no queue of failed hours, and perhaps no function that decodes
    counted = {}
    for variant in ("alone", "with_dagster", "with_glue"):
        resources = json.loads(path_of(variant, "observe").read_text())["Resources"].values()
        alarms = [it["Properties"] for it in resources if it["Type"] == "AWS::CloudWatch::Alarm"]
        # an alarm of one metric names it itself; a question to all of the fleet's is one
        counted[variant] = sum(
            sum("MetricStat" in it for it in alarm.get("Metrics", ())) or 1 for alarm in alarms
        )
    assert counted["alone"] == bill.ALARM_METRICS == max(counted.values())


def test_small_objects_stay_because_moving_them_never_pays() -> None:
    prices = PRICED["prices"]
    # of a million objects of 45.6 kB: 45.6 GB; archived 77.6 GB in Glacier and 8 GB beside it
    assert 1e6 * kept_usd(45_600, prices, archived=False) == pytest.approx(45.6 * 0.023)
    assert 1e6 * kept_usd(45_600, prices, archived=True) == pytest.approx(77.6 * 0.0036 + 8 * 0.023)
    assert pays_after_months(1_000, prices) is None
    small, large = (pays_after_months(size, prices) for size in (45_600, 131_072))
    assert small is not None
    assert large is not None
    assert small > 48
    assert large < 15


def test_what_is_assumed_is_said_so() -> None:
    text = tables(PRICED, HABITS, SEEN)
    assumed = [name for name, item in PRICED["prices"].items() if item["source"] == "assumption"]
    assert text.count("**assumption**") == len(assumed)
    assert f"assumed: {', '.join(assumed)}." in text


@pytest.mark.slow
def test_everything_is_measured_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "measured.json"
    assert main(["--measure", "--duration", "2m", "--measured", str(kept)]) == 0
    seen = json.loads(kept.read_text())
    assert seen.keys() == SEEN.keys()
    assert {name: set(seen[name]) for name in NESTED} == {name: set(SEEN[name]) for name in NESTED}
    assert (seen["objects"], seen["seconds"]) == (2, 120)
    assert all(value > 0 for value in (seen["frames"], *seen["bytes"].values()))
    # requests are counted, not timed: they are those of the page, but for what a first object needs once
    for kind, count in SEEN["requests_of_an_object"].items():
        assert seen["requests_of_an_object"][kind] >= int(count), kind
    assert seen["cpu_seconds_of_a_look"] > 0
    assert "| frames of a vehicle-hour |" in capsys.readouterr().out


def test_functions_are_as_large_as_the_stacks_make_them() -> None:
    sizes = {
        name: resource["Properties"]["MemorySize"] / 1024
        for stack in ("decode", "query")
        for name, resource in json.loads(path_of("alone", stack).read_text())["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function" and name.startswith(("Decoder", "Catalog", "Service"))
    }  # fmt: skip
    assert sorted(sizes.values()) == sorted((bill.DECODER_GB, bill.CATALOG_GB, bill.SERVICE_GB)), sizes


def test_inputs_that_lack_something_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    less = tmp_path / "prices.yaml"
    less.write_text(yaml.safe_dump({**PRICED, "prices": {"s3_read": PRICED["prices"]["s3_read"]}}))
    assert main(["--prices", str(less)]) == 2
    assert "no 's3_gb_month' among the inputs" in capsys.readouterr().err
    assert main(["--habits", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: cannot be read" in capsys.readouterr().err


def test_requests_are_told_apart_by_what_they_cost() -> None:
    log = """\
127.0.0.1 - - [x] "PUT /lake/raw/a%3D1/b HTTP/1.1" 200 -
127.0.0.1 - - [x] "\x1b[33mGET /lake/decoded/b HTTP/1.1\x1b[0m" 404 -
127.0.0.1 - - [x] "GET /lake?list-type=2&prefix=raw%2F HTTP/1.1" 200 -
127.0.0.1 - - [x] "HEAD /lake/x HTTP/1.1" 200 -
127.0.0.1 - - [x] "POST /lake?delete HTTP/1.1" 200 -
127.0.0.1 - - [x] "GET /another/x HTTP/1.1" 200 -
"""
    assert requests_in(log) == {"write": 2, "read": 2}
