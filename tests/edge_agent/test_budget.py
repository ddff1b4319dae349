import pytest

from edge_agent.budget import Budget, GivenUp
from edge_agent.journal import ClockState, Journal, Reading
from edge_agent.journal_name import JournalName
from edge_agent.spool import Spool
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw

START = 1_795_334_400_000_000_000
SECOND = 1_000_000_000


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
def fill(spool, add, make_frames):
    """Windows of ten frames, one a minute, and how many bytes one has."""

    def put(count):
        body = write_raw(make_frames([START + nth for nth in range(10)]))
        return [
            add(spool, RawObject.starting("V", START + 60 * SECOND * nth), body) for nth in range(count)
        ], len(body)

    return put


def test_what_fits_stays(spool, fill, caplog):
    raws, size = fill(5)
    budget = Budget(spool, 5 * size + 20, 0, newest_first=False)
    budget.enforce()
    assert spool.waiting() == raws
    assert budget.given_up == GivenUp()
    assert caplog.text == ""


@pytest.mark.parametrize("newest_first", [False, True])
def test_copies_go_first_and_then_by_policy(spool, fill, newest_first, caplog):
    raws, size = fill(8)
    for raw in raws[:3]:
        spool.remove(raw, keep=True)
    budget = Budget(spool, 6 * size + 20, 0, newest_first=newest_first)
    budget.enforce()
    assert spool.waiting() == raws[3:]
    assert [path.name for path in spool.copies()] == [spool.path(raws[2]).name]
    assert budget.given_up == GivenUp(copies=2)
    assert caplog.text == ""  # nothing of it is missed
    budget = Budget(spool, 3 * size + 20, 0, newest_first=newest_first)
    budget.enforce()
    assert spool.waiting() == (raws[3:6] if newest_first else raws[5:])
    assert budget.given_up == GivenUp(windows=2, frames=20, copies=1)
    assert "gave up 2 windows with 20 frames" in caplog.text


def test_a_full_disk_counts_whatever_the_limit(spool, fill):
    fill(3)
    budget = Budget(spool, 1 << 40, 1 << 60, newest_first=False)
    budget.enforce()
    assert spool.waiting() == []
    assert budget.given_up.windows == 3


def test_what_is_on_its_way_stays_and_so_does_the_open_journal(spool, fill, arrive):
    raws, _ = fill(3)
    spool.in_hand = raws[0]
    name = JournalName.first(spool.folder, "capture", "V")
    closed, open_one = (Journal(spool.folder / str(one), one.number) for one in (name, name.next()))
    for journal in (closed, open_one):
        journal.append(arrive([1, 2, 3]), Reading(0, 0, ClockState.UNKNOWN))
    budget = Budget(spool, 0, 0, newest_first=False)
    budget.enforce(open_one.path.name)
    assert spool.waiting() == raws[:1]
    assert (closed.path.exists(), open_one.path.exists()) == (False, True)
    assert budget.given_up == GivenUp(windows=3, frames=23)
