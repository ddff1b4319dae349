import pytest

from tests.edge_agent.kills import kill_often


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_that_was_there_a_second_before(tmp_path):
    assert "all there once" in kill_often(tmp_path, 12, seed=7)
