"""A short campaign of every target, and one against a door with every fault: none of them may be missed.

The long ones are a command: `make fuzz`.
"""

import pytest

from tests.fuzz.campaign import NAMES, run

CASES = {"parquet": 150, "dbc": 60, "journal": 400, "api": 200}


@pytest.mark.slow
@pytest.mark.parametrize("target", NAMES)
def test_damaged_input_is_refused_or_accounted_for(target: str) -> None:
    done = run(target, CASES[target])
    print(done)
    assert done.flaws == {}, f"python -m tests.fuzz {target} --case {min(done.flaws)}\n{done.flaws}"
    assert done.outcomes.total() == CASES[target]
    assert len(done.outcomes) > 1, (
        "only one kind of end: the damage is too light or too heavy to find anything"
    )


@pytest.mark.slow
def test_every_kind_of_flaw_is_seen_and_the_campaign_goes_on() -> None:
    done = run("wrong", 16)
    said = "\n".join(done.flaws.values())
    for words in ("SIGSEGV", "SIGPROF", "it took", "ZeroDivisionError", "3 are accounted for"):
        assert words in said, f"{words}: {done}\n{said}"
    assert "in run" in said.partition("SIGPROF")[2], "where a case hangs is not said"
    assert done.outcomes.total() == 16
    assert done.outcomes["well"] > 0
