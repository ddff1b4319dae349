"""The `telemetry` program: answers, exit codes, and errors that are one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.store import Store
from tests import program
from tests.decode.transport_bus import Frame, isotp, table
from tests.raw_lake import EV_DBC, NOON, SECOND, add_dbc, land

TELEMETRY = Path(sys.executable).parent / "telemetry"


def run(lake: str, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return program.run(*arguments, env={**os.environ, "TELEMETRY_LAKE": lake, **env})


@pytest.mark.parametrize("arguments", [["status"], ["decode"], ["status", "--jsom"]])
def test_the_installed_program_says_the_same(folder_lake: Store, arguments: list[str]) -> None:
    add_dbc(folder_lake)
    env = {**os.environ, "TELEMETRY_LAKE": folder_lake.url}
    process = subprocess.run(
        [TELEMETRY, *arguments], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    here = run(folder_lake.url, *arguments)
    assert (here.returncode, here.stdout, here.stderr) == (
        process.returncode,
        process.stdout,
        process.stderr,
    )


def test_a_command_does_not_wait_for_the_libraries_of_the_others() -> None:
    program = (
        "import sys, typer\n"
        "from telemetry_pipeline.cli.main import app\n"
        "commands = typer.main.get_command(app).commands\n"
        "assert list(commands)[0] == 'demo' and 'nonsense' not in commands\n"
        "assert commands['serve'].name == 'serve'\n"
        "print(sorted({'boto3', 'cantools', 'pandas', 'polars', 'pyathena'} & {*sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("lake", "arguments", "env", "code", "says"),
    [
        (
            "nowhere",
            ["status"],
            {},
            2,
            "nowhere: not a lake URL. Use file:///absolute/path or s3://bucket/prefix",
        ),
        ("file:///proc/lake", ["status"], {}, 2, "cannot make the lake's folder"),
        ("", ["status"], {"TELEMETRY_LAK": "x"}, 2, "Did you mean TELEMETRY_LAKE?"),
        ("file:///tmp", ["decode"], {}, 2, "say what to decode"),
        ("file:///tmp", ["decode", "no.parquet", "--dbc", "no.dbc"], {}, 1, "no.dbc: cannot be read"),
        ("file:///tmp", ["decode", "--pending", "--match", "pgn"], {}, 2, "--match is for one RAW file"),
        (
            "file:///tmp",
            ["decode", "--pending", "--transport", "isotp"],
            {},
            2,
            "--transport is for one RAW file",
        ),
        ("file:///tmp", ["dbc", "add", "no.dbc"], {}, 1, "no.dbc: cannot be read"),
        ("file:///tmp", ["dbc", "add", "notes.txt"], {}, 1, "not a CAN database by its name"),
        ("file:///tmp", ["decode", "--vehicle", "a b", "--day", "2026-01-01"], {}, 1, "is not a vehicle id"),
        ("file:///tmp", ["decode", "--vehicle", "V", "--day", "monday"], {}, 2, "'monday' is not a day"),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    lake: str, arguments: list[str], env: dict[str, str], code: int, says: str
) -> None:
    result = run(lake, *arguments, **env)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_status_counts_what_is_where(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, "EV_1", NOON + minute * 60 * SECOND) for minute in range(3)]
    folder_lake.put(raws[2].key, b"PAR1 torn")
    decoded = run(folder_lake.url, "decode", "--pending", "--json")
    answer = json.loads(decoded.stdout)
    assert (answer["objects"], answer["decoded"]) == (3, 2)
    assert list(answer["quarantined"]) == [raws[2].key]
    land(folder_lake, "EV_2", NOON)
    status = json.loads(run(folder_lake.url, "status", "--json").stdout)
    assert status["totals"] == {"raw": 4, "decoded": 2, "quarantined": 1, "pending": 1}
    assert [item["vehicle_id"] for item in status["vehicles"]] == ["EV_1", "EV_2"]
    assert status["vehicles"][1]["lag_s"] > 0
    readable = run(folder_lake.url, "status").stdout
    assert "EV_2" in readable
    assert "ev_powertrain.dbc: 5 messages" in readable


def test_a_vehicles_day_is_decoded_again(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    run(folder_lake.url, "decode", "--pending")
    folder_lake.put(raw.decoded_key, b"damaged")
    result = run(folder_lake.url, "decode", "--vehicle", "EV_1", "--day", "2026-02-23")
    assert "1 decoded" in result.stdout
    assert folder_lake.get(raw.decoded_key) != b"damaged"
    missing = run(folder_lake.url, "decode", "--vehicle", "EV_1", "--day", "2020-01-01")
    assert missing.returncode == 1
    assert "no raw objects of EV_1 on 2020-01-01" in missing.stderr


def test_one_file_anywhere_is_decoded_without_a_lake(folder_lake: Store, tmp_path: Path) -> None:
    raw = land(folder_lake, "EV_1")
    assert folder_lake.root is not None
    out = tmp_path / "out.parquet"
    result = run(
        folder_lake.url,
        "decode",
        str(folder_lake.root / raw.key),
        "--dbc",
        str(EV_DBC),
        "--out",
        str(out),
        "--json",
    )
    answer = json.loads(result.stdout)
    assert answer["report"]["decoded_frames"] == 100
    assert out.stat().st_size > 0


def test_the_match_rule_of_one_file_can_be_given(folder_lake: Store, tmp_path: Path) -> None:
    raw = land(folder_lake, "EV_1", arb_id=0x18F0043D)
    dbc = tmp_path / "engine.dbc"
    dbc.write_text('BU_: X\nBO_ 2364539904 EEC1: 8 X\n SG_ Speed : 24|16@1+ (0.125,0) [0|0] "rpm" X\n')
    assert folder_lake.root is not None
    command = ["decode", str(folder_lake.root / raw.key), "--dbc", str(dbc), "--json"]
    decoded = [
        json.loads(run(folder_lake.url, *command, *rule).stdout)["report"]["decoded_frames"]
        for rule in ([], ["--match", "exact"], ["--match", "pgn"])
    ]
    assert decoded == [0, 0, 100]


def test_transfers_of_one_file_can_be_reassembled(folder_lake: Store, tmp_path: Path) -> None:
    payload = bytes(range(60))
    frames = [Frame(NOON + number, 0x7EC, part) for number, part in enumerate(isotp(payload))]
    raw, dbc = tmp_path / "raw.parquet", tmp_path / "uds.dbc"
    raw.write_bytes(parquet.write_raw(table(frames)))
    dbc.write_text('BU_: X\nBO_ 2028 Battery: 62 X\n SG_ Last : 480|8@1+ (1,0) [0|0] "" X\n')
    command = ["decode", str(raw), "--dbc", str(dbc), "--transport", "isotp"]
    report = json.loads(run(folder_lake.url, *command, "--json").stdout)["report"]
    assert (report["rows"], report["decoded_frames"], report["skipped"]) == (len(frames), 1, len(frames) - 1)
    assert report["signals"][0]["maximum"] == 59
    assert "isotp complete × 1" in run(folder_lake.url, *command).stdout


def test_pending_objects_that_cannot_be_decoded_fail_the_command(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    result = run(folder_lake.url, "decode", "--pending", "--json")
    assert result.returncode == 1
    assert "no CAN database decodes vehicle EV_1" in json.loads(result.stdout)["still_pending"][raw.key]


def test_databases_are_added_and_checked(folder_lake: Store, tmp_path: Path) -> None:
    broken = tmp_path / "broken.dbc"
    broken.write_text("this is no database")
    assert "broken.dbc" in run(folder_lake.url, "dbc", "add", str(EV_DBC), str(broken)).stderr
    assert folder_lake.head("dbc/ev_powertrain.dbc") is None
    assert run(folder_lake.url, "dbc", "add", str(EV_DBC)).returncode == 0
    assert folder_lake.get("dbc/ev_powertrain.dbc") == EV_DBC.read_bytes()
    assert run(folder_lake.url, "dbc", "check", str(EV_DBC)).returncode == 0
    assert run(folder_lake.url, "dbc", "check", str(broken)).returncode == 1
