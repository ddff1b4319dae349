"""`rules.yaml`, read: every fault is named with its line and what to write instead.

rules:
  - name: cell_imbalance
    when: Cell_Delta_mV > 150 for 10s          # the one-line form
    severity: critical                         # info, warning (default) or critical
    vehicles: ["EV_*"]                         # globs; default: all
    description: Balance or replace the module
  - name: stator_hot
    signal: MotorCtrl_Thermal.Stator_Temp      # the same in parts
    condition: "> 140"                         # > >= < <= == !=, outside 10..20, inside 10..20
    duration: 5s                               # default: one sample is enough
    max_hole: 2s                               # a silence above this ends it; default 10s
  - Pack_SOC < 10 for 1m                       # a rule may be one line: then that is its name

Every rule has a condition on a signal; what it means is `rule`'s business.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import yaml

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.rules.condition import Condition
from telemetry_pipeline.rules.rule import MAX_HOLE_NS, SEVERITIES, Rule

KEYS: Final = (
    *("name", "when", "signal", "condition", "duration", "max_hole"),
    *("severity", "vehicles", "description"),
)
RULES_MAX: Final = 1000
HOLE_MAX_NS: Final = 86_400_000_000_000
_NAME_MAX: Final = 120
_LINE: Final = re.compile(r"([^\s<>=!]+)\s*((?:[<>=!]|outside\s|inside\s).*?)(?:\s+for\s+(\S+))?")
_REMEDY: Final = "Write it like: Cell_Delta_mV > 150 for 10s"

T = TypeVar("T")


def parse_rules(body: bytes, where: str) -> list[Rule]:
    """Read rules.yaml.

    Raises:
        BadSetting: It is not YAML, or not of the form that the module's docstring shows; says the line.
    """
    try:
        document = yaml.compose(body, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(error, where) from error
    top = _mapping(document, where, "the file") if document is not None else {}
    for key, (_, line) in top.items():
        if key != "rules":
            raise BadSetting(f"unknown key {key}", f"{where} line {line}", "Begin with the line 'rules:'")
    if "rules" not in top:
        raise BadSetting("no list of rules", where, "Begin with the line 'rules:'")
    node, line = top["rules"]
    if not isinstance(node, yaml.SequenceNode):
        raise BadSetting("rules is not a list", f"{where} line {line}", "Begin each rule with '- '")
    if len(node.value) > RULES_MAX:
        raise BadSetting(f"{len(node.value)} rules", where, f"At most {RULES_MAX} are read")
    rules: dict[str, Rule] = {}
    for item in node.value:
        place = f"{where} line {_line(item)}"
        rule = _rule(item, where)
        if rule.name in rules:
            raise BadSetting(f"a second rule of the name {rule.name!r}", place, "Give each its own name")
        rules[rule.name] = rule
    return list(rules.values())


def parse_line(text: str) -> tuple[str, Condition, int]:
    """Read `Signal > 150 for 10s` as signal, condition and nanoseconds; 0 when it names no duration.

    Raises:
        BadSetting: It is not of that form.
    """
    if not (match := _LINE.fullmatch(text.strip())):
        raise BadSetting(f"{text!r} is not a rule", remedy=_REMEDY)
    return match[1], Condition.parse(match[2]), parse_duration(match[3]) if match[3] else 0


def _rule(node: yaml.Node, where: str) -> Rule:
    place = f"{where} line {_line(node)}"
    if isinstance(node, yaml.ScalarNode):
        line = node.value.strip()
        return Rule(_name(line, place), *_placed(lambda: parse_line(line), place))
    entry = _Entry(_mapping(node, where, "a rule"), where, place)
    for key, (_, at) in entry.items.items():
        if key not in KEYS:
            raise BadSetting(f"unknown key {key}", f"{where} line {at}", f"Known: {', '.join(KEYS)}")
    if "when" in entry.items:
        if strange := [key for key in ("signal", "condition", "duration") if key in entry.items]:
            raise BadSetting(f"both when and {strange[0]}", place, "Write one line, or its parts")
        signal, condition, duration = entry.read("when", parse_line)
    else:
        for key in ("signal", "condition"):
            if key not in entry.items:
                raise BadSetting(
                    f"a rule without {key}", place, f"Add it, or: when: {_REMEDY.partition(': ')[2]}"
                )
        signal = entry.read("signal", _signal)
        condition = entry.read("condition", Condition.parse)
        duration = entry.read("duration", parse_duration, 0)
    return Rule(
        _name(entry.text("name") if "name" in entry.items else "", place),
        signal,
        condition,
        duration,
        entry.read("max_hole", _hole, MAX_HOLE_NS),
        entry.read("severity", _severity, "warning"),
        entry.names("vehicles") if "vehicles" in entry.items else ("*",),
        entry.text("description") if "description" in entry.items else "",
    )


class _Entry:
    """The keys of one rule, each with its node and line."""

    def __init__(self, items: dict[str, tuple[yaml.Node, int]], where: str, place: str) -> None:
        self.items = items
        self._where = where
        self._place = place

    def text(self, key: str) -> str:
        node, line = self.items[key]
        if not isinstance(node, yaml.ScalarNode):
            raise BadSetting(f"{key} is not a text", f"{self._where} line {line}", f"Write {key}: and a text")
        return str(node.value).strip()

    def names(self, key: str) -> tuple[str, ...]:
        node, line = self.items[key]
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not nodes or not all(isinstance(item, yaml.ScalarNode) and item.value.strip() for item in nodes):
            raise BadSetting(
                f"{key} is not a list of names", f"{self._where} line {line}", f'Write {key}: ["EV_*"]'
            )
        return tuple(dict.fromkeys(item.value.strip() for item in nodes))

    def read(self, key: str, parse: Callable[[str], T], default: T | None = None) -> T:
        if key not in self.items:
            assert default is not None  # noqa: S101  required keys were looked for before
            return default
        return _placed(lambda: parse(self.text(key)), f"{self._where} line {self.items[key][1]}", key)


def _placed(parse: Callable[[], T], place: str, key: str = "") -> T:
    """What is parsed, or its error with the place added."""
    try:
        return parse()
    except BadSetting as error:
        if error.where:
            raise
        raise BadSetting(f"{key}: {error.what}" if key else error.what, place, error.remedy) from error


def _mapping(node: Any, where: str, what: str) -> dict[str, tuple[yaml.Node, int]]:  # noqa: ANN401  PyYAML is untyped
    if not isinstance(node, yaml.MappingNode):
        raise BadSetting(
            f"{what} is not a mapping", f"{where} line {_line(node)}", "Write keys and values: 'name: …'"
        )
    items: dict[str, tuple[yaml.Node, int]] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "(not a text)"
        if name in items:
            raise BadSetting(f"{name} is there twice", f"{where} line {_line(key)}", "Keep one of them")
        items[name] = (value, _line(key))
    return items


def _line(node: Any) -> int:  # noqa: ANN401  PyYAML is untyped
    return int(node.start_mark.line) + 1


def _name(name: str, place: str) -> str:
    if not name:
        raise BadSetting("a rule without a name", place, "Add a line like 'name: cell_imbalance'")
    if len(name) > _NAME_MAX or not name.isprintable():
        raise BadSetting(f"{name[:40]!r} is not a name", place, f"At most {_NAME_MAX} printable characters")
    return name


def _signal(text: str) -> str:
    if not text:
        raise BadSetting("no signal", remedy="Write Signal or Message.Signal")
    return text


def _severity(text: str) -> str:
    if text not in SEVERITIES:
        raise BadSetting(f"{text!r} is not a severity", remedy=f"Known: {', '.join(SEVERITIES)}")
    return text


def _hole(text: str) -> int:
    hole = parse_duration(text)
    if hole > HOLE_MAX_NS:
        raise BadSetting(
            f"{text} is longer than a day", remedy="Events are put together over at most 1d of silence"
        )
    return hole


def _not_yaml(error: Exception, where: str) -> BadSetting:
    mark = getattr(error, "problem_mark", None)
    place = f"{where} line {mark.line + 1}" if mark is not None else where
    problem = " ".join(str(getattr(error, "problem", None) or error).split())[:200]
    return BadSetting(
        f"not YAML ({problem})", place, """Quote a condition that begins with > or !: condition: "> 150\""""
    )
