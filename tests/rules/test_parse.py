"""rules.yaml: both forms say the same, and every fault is told with its line and a remedy."""

import contextlib
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.rules import parse
from telemetry_pipeline.rules.condition import Condition
from telemetry_pipeline.rules.parse import parse_rules
from telemetry_pipeline.rules.rule import MAX_HOLE_NS, Rule, Rules

SECOND = 1_000_000_000


def read(text: str) -> list[Rule]:
    return parse_rules(text.encode(), "rules.yaml")


def test_the_form_that_is_documented():
    first, second, third = read(parse.__doc__.split("\n\n")[1])
    assert first == Rule(
        "cell_imbalance",
        "Cell_Delta_mV",
        Condition(">", 150, 150),
        10 * SECOND,
        MAX_HOLE_NS,
        "critical",
        ("EV_*",),
        "Balance or replace the module",
    )
    assert second == Rule(
        "stator_hot", "MotorCtrl_Thermal.Stator_Temp", Condition(">", 140, 140), 5 * SECOND, 2 * SECOND
    )
    assert third == Rule("Pack_SOC < 10 for 1m", "Pack_SOC", Condition("<", 10, 10), 60 * SECOND)


@pytest.mark.parametrize(
    ("line", "signal", "condition", "duration"),
    [
        ("Cell_Delta_mV>150", "Cell_Delta_mV", "> 150", 0),
        ("A.B != 0 for 250ms", "A.B", "!= 0", 250_000_000),
        ("Pump_Duty outside 10..90 for 1h30m", "Pump_Duty", "outside 10..90", 5400 * SECOND),
        ("Cell_*_Voltage <= 2.5", "Cell_*_Voltage", "<= 2.5", 0),
    ],
)
def test_one_line_and_its_parts_say_the_same(line, signal, condition, duration):
    (short,) = read(f'rules: [{{name: n, when: "{line}"}}]')
    lasting = f", duration: {duration / 1e9:f}s" if duration else ""
    (parts,) = read(f'rules: [{{name: n, signal: "{signal}", condition: "{condition}"{lasting}}}]')
    assert short == parts
    assert (short.signal, str(short.condition), short.duration_ns) == (signal, condition, duration)


@pytest.mark.parametrize("text", ["rules: []", "# nothing yet\nrules: []\n"])
def test_no_rules_at_all(text):
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "line", "said", "remedy"),
    [
        ("", None, "no list of rules", "rules:"),
        ("- A > 1", 1, "not a mapping", ""),
        ("rule: []", 1, "unknown key rule", "rules:"),
        ("rules: 5", 1, "not a list", "- "),
        ("rules:\n- name: x\n  condition: > 150\n", 3, "not YAML", "Quote a condition"),
        ("rules:\n- name: x\n  when: A > 1\n  wenn: 5\n", 4, "unknown key wenn", "Known: name"),
        ("rules:\n- name: x\n  signal: A\n", 2, "without condition", "Add it"),
        ("rules:\n- name: x\n  condition: '> 1'\n", 2, "without signal", "when: Cell"),
        ("rules:\n- when: A > 1\n", 2, "without a name", "name:"),
        ("rules:\n- {name: x, when: A > 1}\n- {name: x, when: B > 1}\n", 3, "second rule", "its own"),
        ("rules:\n- name: x\n  name: y\n  when: A > 1\n", 3, "there twice", "Keep"),
        ("rules:\n- name: x\n  when: A is hot\n", 3, "not a rule", "Cell_Delta_mV > 150 for 10s"),
        ("rules:\n- A > 1 for ages\n", 2, "not a duration", "500ms"),
        ("rules:\n- name: x\n  when: A > 1\n  max_hole: 2d\n", 4, "longer than a day", "1d"),
        (
            "rules:\n- name: x\n  when: A > 1\n  severity: fatal\n",
            4,
            "not a severity",
            "info, warning, critical",
        ),
        ("rules:\n- name: x\n  when: A > 1\n  signal: B\n", 2, "both when and signal", "one line"),
        ("rules:\n- name: x\n  when: A > 1\n  vehicles: []\n", 4, "vehicles is not a list", "EV_"),
        ("rules:\n- name: x\n  when: [A > 1]\n", 3, "when is not a text", "text"),
        ("rules:\n- name: x\n  signal: A\n  condition: inside 5..1\n", 4, "the wrong way round", "lower"),
    ],
)
def test_faults_are_told_with_line_and_remedy(text, line, said, remedy):
    with pytest.raises(BadSetting) as caught:
        read(text)
    assert caught.value.where == ("rules.yaml" if line is None else f"rules.yaml line {line}")
    assert said in caught.value.what
    assert remedy in caught.value.remedy
    assert caught.value.remedy


@given(st.binary(max_size=200))
def test_whatever_is_in_the_file_is_read_or_refused(body):
    with contextlib.suppress(BadSetting):
        parse_rules(b"rules:\n- " + body, "rules.yaml")


def test_which_signals_and_vehicles_a_rule_is_about():
    (rule,) = read('rules: [{name: n, when: "Drive.Sp* > 1", vehicles: ["EV_*", TRUCK_1]}]')
    assert rule.watches("Drive", "Speed")
    assert not rule.watches("Driver", "Speed")
    assert not rule.watches("Drive", "Level")
    assert [rule.concerns(name) for name in ("EV_1", "TRUCK_1", "TRUCK_2")] == [True, True, False]
    assert Rule("n", "a.b", Condition(">", 1, 1)).watches("M", "a.b")
    assert not Rule("n", "Cell_*", Condition(">", 1, 1)).watches("Cell_Box", "Speed")


def test_the_digest_is_of_what_the_rules_of_a_vehicle_say():
    text = "rules: [{name: a, when: A > 1, vehicles: EV_1}, {name: b, when: A > %d, vehicles: EV_2}]"
    one, other = Rules(read(text % 1)), Rules(read("# a comment\n" + text % 2))
    assert one.of("EV_1").digest == other.of("EV_1").digest
    assert one.of("EV_2").digest != other.of("EV_2").digest
    assert one.of("EV_3").rules == ()


def test_the_rules_of_the_documentation_can_be_read():
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    rules = read(example)
    assert [rule.name for rule in rules] == ["cell_imbalance", "stator_hot", "Pack_SOC < 10 for 1m"]
    said = [key for rule in yaml.safe_load(example)["rules"] if isinstance(rule, dict) for key in rule]
    assert set(said) == set(parse.KEYS)
