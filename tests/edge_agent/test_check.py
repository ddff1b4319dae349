from edge_agent.check import run_checks
from edge_agent.config import AgentConfig


def test_a_bus_that_is_not_up_is_to_be_brought_up_without_a_voice(tmp_path):
    config = AgentConfig(
        vehicle_id="V",
        lake=(tmp_path / "lake").as_uri(),
        interface="socketcan",
        channel="no-such-can",
        spool=tmp_path / "spool",
    )
    found = {finding.name: finding for finding in run_checks(config, simulate=False)}
    assert [name for name, finding in found.items() if not finding.ok] == ["interface"]
    assert "no-such-can" in found["interface"].detail
    assert "listen-only on" in found["interface"].detail
