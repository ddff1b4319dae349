import pytest

from tests.edge_agent.saturation import saturate
from tests.edge_agent.uml import missing


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=missing() or "it can boot")
def test_two_saturated_buses_reach_the_lake_whole_in_order_and_to_the_nanosecond(tmp_path):
    assert "all in the lake once" in saturate(tmp_path, 5)
