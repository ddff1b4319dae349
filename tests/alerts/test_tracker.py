"""Each finding is told once to each target, and its end once; a target that is away misses nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.alerts import tracker as module
from telemetry_pipeline.alerts.tracker import Message, Tracker

BOTH = ("log", "webhook")


def step(
    state: str | None,
    found: dict[str, str],
    now: float = 0.0,
    targets: tuple[str, ...] = BOTH,
    down: str = "",
) -> tuple[str, dict[str, Message]]:
    """One tick: what each target took, and the state after it."""
    tracker = Tracker(state, targets)
    tracker.observe(found, now)
    told = {}
    for target in targets:
        message = tracker.message_for(target, now)
        if message is None:
            continue
        if target == down:
            tracker.failed(target, now)
        else:
            told[target] = message
            tracker.delivered(target, message)
    return tracker.dump(), told


def ids(items: tuple[dict[str, str], ...]) -> list[str]:
    return [item["id"] for item in items]


def test_a_finding_is_told_once_and_its_end_once() -> None:
    state, told = step(None, {"a": "bad"})
    assert {name: ids(message.opened) for name, message in told.items()} == {"log": ["a"], "webhook": ["a"]}
    state, told = step(state, {"a": "still bad"}, 60)
    assert told == {}
    state, told = step(state, {}, 120)
    assert [ids(message.resolved) for message in told.values()] == [["a"], ["a"]]
    assert told["log"].resolved[0] | {"text": ""} == {
        "id": "a",
        "text": "",
        "at": "1970-01-01T00:00:00+00:00",
        "resolved_at": "1970-01-01T00:02:00+00:00",
    }
    assert told["log"].summary == "1 resolved; 0 stand"
    state, told = step(state, {}, 180)
    assert (told, json.loads(state)) == ({}, {"findings": {}})


def test_one_that_is_away_is_told_later_and_the_other_is_not_told_twice() -> None:
    state, told = step(None, {"a": "bad"}, 0, down="webhook")
    assert list(told) == ["log"]
    state, told = step(state, {"a": "bad"}, 10)
    assert told == {}  # it is not asked again yet
    state, told = step(state, {"a": "bad"}, 31)
    assert {name: ids(message.opened) for name, message in told.items()} == {"webhook": ["a"]}


def test_what_came_and_went_while_one_was_away_is_told_it() -> None:
    state, _ = step(None, {"a": "bad"}, 0, down="webhook")
    state, told = step(state, {}, 31, down="webhook")
    assert ids(told["log"].resolved) == ["a"]
    state, told = step(state, {}, 200)
    assert list(told) == ["webhook"]
    assert ids(told["webhook"].resolved) == ["a"]
    assert told["webhook"].resolved[0]["text"] == "bad"
    assert json.loads(state)["findings"] == {}


def test_pauses_grow_to_a_limit_and_what_is_said_counts() -> None:
    state, now, pauses = None, 0.0, []
    for _ in range(8):
        tracker = Tracker(state, BOTH)
        tracker.observe({"a": "bad"}, now)
        said = tracker.failed("webhook", now)
        pauses.append(tracker.waiting()["webhook"] - now)
        now = tracker.waiting()["webhook"]
        state = tracker.dump()
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]
    assert said == "webhook takes no alerts since 1970-01-01T00:00:00+00:00, 8 times asked; again in 900 s"


def test_one_that_comes_back_is_told_again() -> None:
    state, _ = step(None, {"a": "bad"})
    state, _ = step(state, {}, 60)
    _, told = step(state, {"a": "bad again"}, 120)
    assert ids(told["log"].opened) == ["a"]


def test_one_that_flaps_before_anybody_heard_of_its_end_is_not_told_twice() -> None:
    state, _ = step(None, {"a": "bad"}, 0, ("webhook",))
    state, _ = step(state, {}, 60, ("webhook",), down="webhook")
    state, told = step(state, {"a": "bad"}, 100, ("webhook",))
    assert told == {}


def test_what_cannot_be_known_now_stands() -> None:
    state, _ = step(None, {"one/a": "bad", "two/b": "bad"})
    tracker = Tracker(state, BOTH)
    tracker.observe({}, 60, unknown=["one/"])
    message = tracker.message_for("log", 60)
    assert message is not None
    assert ids(message.resolved) == ["two/b"]


def test_a_new_target_is_told_what_stands() -> None:
    state, _ = step(None, {"a": "bad"}, 0, ("log",))
    _, told = step(state, {"a": "bad"}, 60, ("log", "topic"))
    assert {name: ids(message.opened) for name, message in told.items()} == {"topic": ["a"]}


def test_a_target_that_is_gone_keeps_nothing_waiting() -> None:
    state, _ = step(None, {"a": "bad"}, 0, BOTH, down="webhook")
    state, _ = step(state, {}, 60, ("log",))
    assert json.loads(state)["findings"] == {}


def test_a_storm_is_told_as_a_number_and_the_state_stays_small() -> None:
    storm = {f"raw_frames/vehicle_freshness/{'V' * 60}{number:04d}": "silent" * 60 for number in range(5000)}
    state, told = step(None, storm)
    assert len(told["log"].opened) == module.FINDINGS_MAX + 1
    assert "4850 more findings, which are not told one by one" in told["log"].opened[-1]["text"]
    assert len(state) < 100_000
    state, told = step(state, storm, 60)
    assert told == {}
    state, told = step(state, {}, 120)
    assert len(told["log"].resolved) == module.FINDINGS_MAX + 1


def test_what_waited_too_long_among_too_many_is_counted_not_lost() -> None:
    state: str | None = None
    for number in range(module.UNTOLD_MAX + 60):
        state, _ = step(state, {f"finding {number}": "bad"}, float(number), ("webhook",), down="webhook")
    assert state is not None
    assert len(state) < 100_000
    state, told = step(state, {}, 1e6, ("webhook",))
    message = told["webhook"]
    assert message.dropped + len(message.resolved) == module.UNTOLD_MAX + 60
    assert message.summary == f"{module.UNTOLD_MAX} resolved, 60 not listed; 0 stand"
    assert step(state, {}, 2e6, ("webhook",))[1] == {}


@pytest.mark.parametrize("state", ["", "{", "[]", '{"findings": {"a": 3}}', '{"failing": {"a": [1]}}'])
def test_a_damaged_state_begins_anew(state: str) -> None:
    _, told = step(state, {"a": "bad"})
    assert ids(told["log"].opened) == ["a"]


ticks = st.lists(st.tuples(st.sets(st.sampled_from("abcd")), st.booleans()), min_size=1, max_size=25)


@given(ticks)
def test_every_change_is_told_exactly_as_often_as_it_must_be(story: list[tuple[set[str], bool]]) -> None:
    """Whatever comes and goes and whenever the target is away: it hears of each finding once, and of its end once."""
    state: str | None = None
    open_at_target: set[str] = set()
    for number, (found, away) in enumerate([*story, (set(), False)]):
        down = "webhook" if away else ""
        state, told = step(state, dict.fromkeys(found, "bad"), number * 1000.0, ("webhook",), down)
        for message in told.values():
            opened, resolved = ids(message.opened), ids(message.resolved)
            assert len(set(opened)) == len(opened)
            assert not open_at_target & set(opened)
            open_at_target = (open_at_target | set(opened)) - set(resolved)
        if not away:
            assert open_at_target == found
    assert state is not None
    assert json.loads(state) == {"findings": {}}
