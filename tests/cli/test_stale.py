"""`telemetry stale`: the list, the way out that it names, and the decoding anew."""

import datetime as dt
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.cli.main import app
from telemetry_pipeline.errors import BadSetting, PermanentError, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.webserver import launch_backfill, tracked
from tests.raw_lake import EV_DBC, NOON, add_dbc, land
from tests.servers import free_port
from tests.web_listener import Listener, listening

EXTRA = b"\nBO_ 2047 Extra: 8 Vector__XXX\n"


@pytest.fixture
def lake(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two vehicles over three days, decoded; then their database changed for one of them."""
    monkeypatch.setenv("TELEMETRY_LAKE", folder_lake.url)
    add_dbc(folder_lake)
    folder_lake.put("dbc/other.dbc", EV_DBC.read_bytes())
    folder_lake.put(
        layout.BINDINGS,
        b"bindings: [{vehicles: EV_1, dbc: ev_powertrain.dbc}, {vehicles: EV_2, dbc: other.dbc}]",
    )
    raws = [land(folder_lake, v, NOON + day * DAY_NS, 20) for v in ("EV_1", "EV_2") for day in (0, 1, 3)]
    assert all(item.report for item in process_objects(folder_lake, Databases.load(folder_lake), raws))
    folder_lake.put("dbc/other.dbc", EV_DBC.read_bytes() + EXTRA)
    return folder_lake


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["stale", *arguments])


def ask_json(*arguments: str) -> dict[str, Any]:
    result = ask("--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_is_stale_is_listed_with_why_and_as_ranges(lake: Store) -> None:
    found = ask_json()
    assert found["partitions"] == 6
    assert found["stale"] == [
        {"vehicle_id": "EV_2", "date": f"2026-02-{day}", "why": "other.dbc changed"} for day in (23, 24, 26)
    ]
    assert found["ranges"] == [
        {"from": "2026-02-23", "to": "2026-02-24", "vehicles": ["EV_2"]},
        {"from": "2026-02-26", "to": "2026-02-26", "vehicles": ["EV_2"]},
    ]
    assert (found["blocked"], found["backfill"], found["footers_read"]) == ([], None, 0)


def test_a_person_is_told_the_ways_out(lake: Store) -> None:
    said = ask("--launch").stdout
    assert "3 of 6 partitions are stale." in said
    assert "telemetry stale --decode" in said
    assert "telemetry stale --launch --dagster http://HOST:PORT" in said
    assert "date 2026-02-23...2026-02-24   vehicle_id EV_2" in said


def test_decoding_them_here_leaves_the_others_as_they_are(lake: Store) -> None:
    assert lake.root is not None
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (lake.root / "decoded").rglob("*.parquet")
    }
    done = ask_json("--decode")["decoded"]
    assert done == {"partitions": 3, "objects": 3, "quarantined": 0, "failed": {}}
    for path, state in before.items():
        same = (path.read_bytes(), path.stat().st_mtime_ns) == state
        assert same == ("vehicle_id=EV_1" in str(path)), path
    assert ask_json()["stale"] == []
    assert "0 of 6 partitions are stale." in ask().stdout


def test_an_object_that_fails_is_told_and_the_others_are_decoded(lake: Store) -> None:
    raw = RawObject.starting("EV_2", NOON)
    assert lake.root is not None
    path = lake.root / raw.decoded_key
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    result = ask("--decode", "--json")
    assert result.exit_code == 1
    done = json.loads(result.stdout)["decoded"]
    assert (done["objects"], list(done["failed"])) == (2, [raw.key])


def test_what_cannot_be_decoded_today_is_told_apart(lake: Store) -> None:
    lake.delete("dbc/other.dbc")
    found = ask_json()
    assert found["stale"] == []
    assert {item["vehicle_id"] for item in found["blocked"]} == {"EV_2"}
    assert "Cannot be decoded today: " in ask().stdout


def test_two_ways_at_once_are_refused(lake: Store) -> None:
    result = ask("--launch", "--decode")
    assert isinstance(result.exception, BadSetting)


def dagster(listener: Listener, *, dates: list[str], vehicles: list[str], launched: dict[str, Any]) -> None:
    """Let a listener answer as the webserver does."""

    def answer(document: dict[str, Any]) -> tuple[int, bytes]:
        keys = [
            {"name": "date", "partitionKeys": dates},
            {"name": "vehicle_id", "partitionKeys": vehicles},
        ]
        data = (
            {"launchPartitionBackfill": launched}
            if "mutation" in document["query"]
            else {"assetNodeOrError": {"__typename": "AssetNode", "partitionKeysByDimension": keys}}
        )
        return 200, json.dumps({"data": data}).encode()

    listener.answer = answer


def test_a_backfill_is_asked_for_what_dagster_tracks(lake: Store) -> None:
    launched = {"__typename": "LaunchBackfillSuccess", "backfillId": "abcdefgh"}
    with listening() as listener:
        dagster(listener, dates=["2026-02-24", "2026-02-26"], vehicles=["EV_2"], launched=launched)
        found = ask_json("--launch", "--dagster", listener.url + "/")
        said = ask("--launch", "--dagster", listener.url).stdout
    assert found["backfill"] == "abcdefgh"
    assert found["untracked"] == [{"vehicle_id": "EV_2", "date": "2026-02-23"}]
    params = listener.posts[1]["variables"]["params"]
    assert params["partitionNames"] == ["2026-02-24|EV_2", "2026-02-26|EV_2"]
    assert f"{listener.url}/runs/b/abcdefgh" in said
    assert "Dagster does not track 1 of them." in said


PARTITION = Partition("EV_2", dt.date(2026, 2, 23))


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (500, b"", TransientError, "answers 500"),
        (404, b"", PermanentError, "answers 404 Not Found. Is this Dagster's webserver?"),
        (200, b"<html>", PermanentError, "does not answer in JSON"),
        (200, b'{"errors": [{"message": "no such field"}]}', PermanentError, "no such field"),
        (
            200,
            b'{"data": {"launchPartitionBackfill": {"__typename": "UnauthorizedError", "message": "no"}}}',
            PermanentError,
            "no backfill was started (UnauthorizedError: no)",
        ),
    ],
)
def test_a_refusal_says_why(status: int, body: bytes, kind: type[Exception], says: str) -> None:
    with listening() as listener:
        listener.answer = lambda document: (status, body)
        with pytest.raises(kind) as caught:
            launch_backfill(listener.url, [PARTITION], "stale")
    assert says in str(caught.value)


def test_a_webserver_that_is_away_is_said_so() -> None:
    with pytest.raises(TransientError, match="does not answer"):
        tracked(f"http://127.0.0.1:{free_port()}", [PARTITION])


def test_a_webserver_of_something_else_is_said_so() -> None:
    with listening() as listener:
        listener.answer = lambda document: (
            200,
            b'{"data": {"assetNodeOrError": {"__typename": "AssetNotFoundError"}}}',
        )
        with pytest.raises(PermanentError, match="no asset decoded_signals"):
            tracked(listener.url, [PARTITION])
