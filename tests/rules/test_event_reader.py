"""Events as readers put them together: over objects, days and silences, for any range."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadKey, NotFound, TooLarge
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import events
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.rules.apply import apply_rules
from telemetry_pipeline.rules.rule import Rule, VehicleRules
from tests.decoded_lake import put_decoded
from tests.raw_lake import NOON, SECOND
from tests.rules.judged_lake import EVER, FAST, V, decode, found, land, spans, use_rules
from tests.rules.reference import as_runs, reference
from tests.rules.test_evaluate import MIDNIGHT, RULES, SERIES, apart, objects_of, timed


@pytest.mark.parametrize(
    ("between", "events"),
    [
        # what is in the silence between two objects, and how many events that makes
        (None, 1),
        ([50] * 5, 2),
        ("another channel", 1),
        ("no number", 1),
    ],
)
def test_what_lies_in_a_silence_is_looked_at(folder_lake: Store, between: object, events: int) -> None:
    use_rules(folder_lake, FAST + "  max_hole: 5m\n")
    raws = [land(folder_lake, NOON + n * 100 * SECOND, [120] * 200, channel="a") for n in range(2)]
    if isinstance(between, list):
        raws.append(land(folder_lake, NOON + 50 * SECOND, between, channel="a"))
    elif between == "another channel":
        raws.append(land(folder_lake, NOON + 50 * SECOND, [50] * 5, channel="b"))
    decode(folder_lake, *raws)
    if between == "no number":
        at = DecodedObject(raws[0].partition, layout.stem_of(NOON + 50 * SECOND))
        name = ("MotorCtrl_Status", "Motor_RPM")
        put_decoded(folder_lake, at.partition, at.stem, {name: ([NOON + 50 * SECOND], [float("nan")])})
    assert len(found(folder_lake)) == events


def test_an_end_at_a_border_is_known_from_the_neighbour(folder_lake: Store) -> None:
    use_rules(folder_lake, FAST)
    raws = [
        land(folder_lake, NOON + n * 60 * SECOND, speeds)
        for n, speeds in enumerate(([50] * 600, [120] * 600, [50] * 600))
    ]
    decode(folder_lake, raws[1])
    (alone,) = found(folder_lake)
    assert (alone.open_start, alone.open_end) == (True, True)
    decode(folder_lake, raws[2])
    assert [(i.open_start, i.open_end) for i in found(folder_lake)] == [(True, False)]
    decode(folder_lake, raws[0])
    assert [(i.open_start, i.open_end) for i in found(folder_lake)] == [(False, False)]


def test_an_event_of_three_days_is_found_from_within(folder_lake: Store) -> None:
    use_rules(folder_lake, "rules: [{name: on, when: Motor_RPM > 100 for 1h, max_hole: 45m}]")
    start = MIDNIGHT - DAY_NS - 1800 * SECOND
    count = 3 * 86_400 // 2400
    decode(folder_lake, *(land(folder_lake, start + n * 2400 * SECOND, [120]) for n in range(count)))
    last = start + (count - 1) * 2400 * SECOND
    # within the event, in one of its silences, at its very ends
    for low, high in (
        (MIDNIGHT, MIDNIGHT + 1),
        (MIDNIGHT + 600 * SECOND, MIDNIGHT + 601 * SECOND),
        (last, last + 1),
    ):
        (event,) = found(folder_lake, low, high)
        assert (event.first_ns, event.last_ns, event.samples) == (start, last, count)
    assert found(folder_lake, last + 1, last + DAY_NS) == []
    assert found(folder_lake, start - DAY_NS, start) == []


def test_what_an_answer_costs_grows_with_the_objects_alone(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_rules(folder_lake, "rules: [Motor_RPM > 100]")
    decode(folder_lake, *(land(folder_lake, NOON + n * SECOND, [120] * 10) for n in range(60)))
    parsed: list[str] = []
    honest = layout.stem_start_ns
    monkeypatch.setattr(layout, "stem_start_ns", lambda stem: parsed.append(stem) or honest(stem))
    assert spans(found(folder_lake)) == [(0, 59.9)]
    assert len(parsed) <= 2 * 60


def test_a_reach_that_ends_says_so(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "REACH_DAYS", 1)
    use_rules(folder_lake, "rules: [{name: on, when: Motor_RPM > 100, max_hole: 1d}]")
    decode(folder_lake, *(land(folder_lake, NOON + n * DAY_NS, [120]) for n in range(5)))
    (event,) = found(folder_lake, NOON + 2 * DAY_NS, NOON + 2 * DAY_NS + 1)
    assert spans([event]) == [(86_400, 3 * 86_400)]
    assert event.open_start
    assert event.open_end


def test_questions_that_cannot_be_answered(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = EventReader(folder_lake)
    with pytest.raises(NotFound):
        reader.events(V, *EVER)
    with pytest.raises(BadKey):
        reader.events("../x", *EVER)
    use_rules(folder_lake, "rules: [Motor_RPM > 100]")
    decode(folder_lake, land(folder_lake, NOON, [120, 0] * 20))
    monkeypatch.setattr(events, "MAX_EVENTS", 19)
    with pytest.raises(TooLarge, match="20 events"):
        reader.events(V, *EVER)
    monkeypatch.setattr(events, "MAX_EVENTS", 20)
    assert len(reader.events(V, *EVER).events) == 20


def test_some_severities_and_rules(folder_lake: Store) -> None:
    rules = "rules: [{name: a, when: Motor_RPM > 1}, {name: b, when: Motor_RPM > 2, severity: info}]"
    use_rules(folder_lake, rules)
    decode(folder_lake, land(folder_lake, NOON, [120] * 3))
    reader = EventReader(folder_lake)
    for chosen, names in (
        ({}, ["a", "b"]),
        ({"severities": ["info"]}, ["b"]),
        ({"rules": ["a"]}, ["a"]),
        ({"rules": ["a"], "severities": ["info"]}, []),
    ):
        assert [event.series.rule for event in reader.events(V, *EVER, **chosen).events] == names


@settings(max_examples=40)
@given(
    RULES,
    SERIES,
    st.lists(st.integers(1, 39), max_size=8),
    st.tuples(st.integers(-12, 60), st.integers(1, 60)),
    st.randoms(use_true_random=False),
)
def test_any_range_of_any_lake_gives_the_reference_s_events(
    tmp_path_factory: pytest.TempPathFactory,
    rule: Rule,
    steps: list[tuple[int, float]],
    cuts: list[int],
    asked: tuple[int, int],
    chance: random.Random,
) -> None:
    lake = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    samples = timed(steps)
    objects = list(objects_of(samples, apart(samples, cuts)).items())
    chance.shuffle(objects)
    for item, own in objects:
        values = ([t for t, _ in own], [v for _, v in own])
        put_decoded(lake, item.partition, item.stem, {("M", "S"): values, ("M", "Other"): values})
    for day in {item.partition for item, _ in objects}:
        apply_rules(lake, day, VehicleRules.of([rule]))
    start = MIDNIGHT + asked[0] * SECOND
    end = start + asked[1] * SECOND
    expected = [run for run in reference(rule, samples) if run.last >= start and run.first < end]
    assert as_runs(EventReader(lake).events("V", start, end).events) == expected
