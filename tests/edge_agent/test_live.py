"""What a person sees: drawn on a terminal, lines anywhere else."""

import io
import threading
from dataclasses import replace

import cantools
import pytest
from rich.console import Console

from edge_agent import live
from edge_agent.config import AgentConfig
from edge_agent.live import show_rate, show_values
from edge_agent.panel import Panel
from edge_agent.records import Arrival
from tests.edge_agent.test_health import ILL, WELL
from tests.edge_agent.test_traffic import frames

DBC = """VERSION ""
BU_: A
BO_ 256 Brake: 2 A
 SG_ Pressure : 0|8@1+ (0.5,0) [0|100] "[bar]" A
 SG_ Lamp : 8|1@1+ (1,0) [0|1] "" A
"""


class Bus:
    """Gives what it was made with, then waits for its end."""

    origin = "capture"

    def __init__(self, arrivals):
        self.arrivals = arrivals

    def batches(self, stop):
        yield from self.arrivals
        stop.set()


@pytest.fixture
def bus():
    brake = Arrival("can0", frames([(256, 2, [20, 1])] * 3))
    stranger = Arrival("can0", frames([(0x7FF, 2, [0xAB, 0xCD])]))
    return Bus([brake, stranger])


@pytest.fixture
def database():
    return cantools.database.load_string(DBC, "dbc")


@pytest.fixture
def config(tmp_path):
    return AgentConfig(vehicle_id="V", lake="file:///x", spool=tmp_path, bitrate=500_000)


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"])
def console(request):
    return Console(file=io.StringIO(), force_terminal=request.param, width=100, height=40, no_color=True)


def test_values_have_names_units_and_what_nobody_knows_is_hexadecimal(bus, database, console):
    show_values(bus, database, threading.Event(), console, None)
    seen = console.file.getvalue()
    for word in ("0x100", "Brake", "Pressure", "10", "[bar]", "Lamp", "0x7FF", "ab cd"):
        assert word in seen
    if not console.is_terminal:
        assert seen.splitlines() == ["0x100 Brake (3): Pressure=10 [bar], Lamp=1", "0x7FF ? (1): ab cd"]


def test_lines_say_only_what_is_new(database, monkeypatch):
    monkeypatch.setattr(live, "PLAIN_S", 0.0)
    console = Console(file=io.StringIO(), force_terminal=False, width=20)
    arrivals = [Arrival("can0", frames([(256, 2, [k, 0])])) for k in range(3)] + [
        Arrival("can0", frames([]))
    ] * 3
    show_values(Bus(arrivals), database, threading.Event(), console, None)
    assert console.file.getvalue().splitlines() == [
        f"0x100 Brake ({k + 1}): Pressure={k / 2:g} [bar], Lamp=0" for k in range(3)
    ]


def test_rates_are_of_each_channel(bus, config, console):
    show_rate(bus, config, threading.Event(), console, None)
    assert "4 frames seen, none stored" in console.file.getvalue()
    assert "can0" in console.file.getvalue()


@pytest.mark.parametrize(
    "health", [WELL, ILL, replace(ILL, settings_refused="[bold: is not YAML [/]", channels=())]
)
def test_the_panel_draws_any_health(health):
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=40, no_color=True)
    panel = Panel(console)
    panel.show(health)
    panel.show(health)
    panel.close()
    seen = console.file.getvalue()
    assert all(channel.channel in seen for channel in health.channels)
    assert ("12 frames" in seen) is (health.lost_frames == 12)
    assert health.settings_refused.splitlines()[:1] == [] or health.settings_refused.splitlines()[0] in seen
