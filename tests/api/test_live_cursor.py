"""Where a tail stands: what it was sent, in few characters that it reads itself."""

import pytest

from api.live_cursor import LISTED_MAX, Cursor
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.store import ObjectInfo
from tests.raw_lake import SECOND


def objects(*modified):
    return [ObjectInfo(f"k{ns}", 1, f"e{ns}", ns) for ns in modified]


def test_a_cursor_knows_what_was_sent_and_reads_itself():
    second = SECOND
    sent = objects(*range(0, 100 * second, second))
    cursor = Cursor.after(sent, 20_000, -5, ("abcdefgh", 3))
    assert Cursor.parse(str(cursor)) == cursor
    assert all(cursor.has(info) for info in sent)
    # written a while ago, visible only now
    assert not cursor.has(ObjectInfo("late", 1, "e", 90 * second))
    assert not cursor.has(ObjectInfo("k99000000000", 1, "other bytes", 99 * second))
    many = Cursor.after(objects(*range(LISTED_MAX * 3)), 1, 0)
    assert all(many.has(info) for info in objects(*range(LISTED_MAX * 3)))
    assert len(str(many)) < 4096
    assert not Cursor.after([], 0, 0).has(ObjectInfo("k", 1, "e", 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "x.y.z..é",
        "1.1.1.abcdefgh.",
        "1.1.1..abc",
        "1.zzzzzz.1..",
        "1.-zzzz.1..",
        "1.1.zzzzzzzzzzzzzzzz..",
    ],
)
def test_a_strange_cursor_is_refused(text):
    with pytest.raises(BadQuery, match="Last-Event-ID"):
        Cursor.parse(text)
