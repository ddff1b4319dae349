from pathlib import Path

import pytest

from edge_agent.config import AgentConfig
from telemetry_pipeline.errors import BadKey, BadSetting


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "agent.yaml"
        path.write_text(text)
        return path

    return write


def test_the_command_line_beats_the_environment_beats_the_file(file):
    path = file("vehicle_id: file\nchannel: file\nseed: 1\nwindow_seconds: 30\n")
    env = {"AGENT_CHANNEL": "env", "AGENT_SEED": "2", "PATH": "/bin"}
    config = AgentConfig.read(path, {"seed": 3, "rate": None}, env)
    assert (config.vehicle_id, config.channel, config.seed) == ("file", "env", 3)
    assert config.window_seconds == 30.0
    assert config.rate == 1.0


def test_names_that_everybody_shares():
    env = {"TELEMETRY_LAKE": "s3://a", "AWS_ENDPOINT_URL": "http://b", "STATE_DIRECTORY": "/var/lib/c:/d"}
    config = AgentConfig.read(None, {"vehicle_id": "V"}, env)
    assert (config.lake, config.endpoint_url, config.spool) == (
        "s3://a",
        "http://b",
        Path("/var/lib/c/spool"),
    )
    assert AgentConfig.read(None, {"vehicle_id": "V"}, env | {"AGENT_LAKE": "s3://mine"}).lake == "s3://mine"


def test_every_kind_of_value(file):
    path = file(
        "vehicle_id: V\nlake: file:///x\nbitrate: 500000\nfd: true\nmax_frames: 10\ndbc: /a.dbc\nspool: ~/s\nrate: 2\n"
    )
    config = AgentConfig.read(path, {}, {})
    assert (config.bitrate, config.fd, config.max_frames, config.rate) == (500000, True, 10, 2.0)
    assert config.dbc == Path("/a.dbc")
    assert config.spool == Path.home() / "s"


@pytest.mark.parametrize(
    ("text", "env", "message"),
    [
        ("vehicle_id: V\nvehicel: x\n", {}, r"vehicel.*Did you mean vehicle_id"),
        ("vehicle_id: V\n", {"AGENT_WINDOW_SECOND": "3"}, "window_seconds"),
        ("vehicle_id: V\n", {"AGENT_WINDOW_SECONDS": "[1"}, "AGENT_WINDOW_SECONDS: '\\[1' cannot be read"),
        ("vehicle_id: V\nseed: soon\n", {}, "not a whole number"),
        ("vehicle_id: V\nseed: true\n", {}, "not a whole number"),
        ("vehicle_id: V\nwindow_seconds: .nan\n", {}, "not a number"),
        ("vehicle_id: V\nwindow_seconds: 0\n", {}, "out of range"),
        ("vehicle_id: V\nrate: -1\n", {}, "out of range"),
        ("vehicle_id: V\nmax_frames: 0\n", {}, "out of range"),
        ("vehicle_id: V\nfd: 1\n", {}, "not yes or no"),
        ("vehicle_id: 007\n", {}, "quotes"),
        ("vehicle_id: V\nbitrate: 1\n", {}, "out of range"),
        ("- a\n", {}, "name: value"),
        ("{", {}, "not YAML"),
        ("", {}, "vehicle_id.*is not set"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(file, text, env, message):
    with pytest.raises(BadSetting, match=message) as caught:
        AgentConfig.read(file(text), {}, env)
    assert "\n" not in str(caught.value)


def test_a_vehicle_that_leaves_its_folder_is_refused():
    with pytest.raises(BadKey):
        AgentConfig.read(None, {"vehicle_id": "../../V"}, {})


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadSetting, match=r"none\.yaml"):
        AgentConfig.read(tmp_path / "none.yaml", {}, {})
