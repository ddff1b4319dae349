import pytest

from tests.edge_agent.power_cuts import cut_often
from tests.edge_agent.uml import missing


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing() or "it can boot")
def test_a_power_cut_costs_the_last_second_and_nothing_else(tmp_path):
    assert "each once" in cut_often(tmp_path, 2, seed=3)
