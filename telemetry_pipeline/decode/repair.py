"""DBC text that cantools refuses or half reads, though its meaning is beyond doubt.

Works on the text alone; what is allowed to be mended and what a person is told is decided here, loading is `dbc`'s.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX, STANDARD_ID_MAX

_QUOTED: Final = re.compile(r'("(?:\\"|[^"])*"|//[^\n]*(?:\n|$))')
"""Strings and comments, as cantools' tokenizer cuts them: nothing inside them is a statement."""

_ID: Final = re.compile(
    r"\b(BO_|SG_|VAL_|SIG_VALTYPE_|SG_MUL_VAL_|SIG_GROUP_|BO_TX_BU_)(\s+)(\d+)\b(?!\s*\|)"
)
_BARE_FRACTION: Final = re.compile(r"(?<![\w.])([-+]?)\.(?=\d)")
_NAMELESS_COMMENT: Final = re.compile(r"\bCM_(\s+)SG_(\s+\d+\s*)$")
_UNUSED: Final = re.compile(r"\b(VAL_|SIG_VALTYPE_) (\d+) (\w+)")
_MESSAGE: Final = re.compile(r"(?<!\w)BO_(?=\s+\d+\s+[A-Za-z_])")
_SIGNAL: Final = re.compile(r"(?<!\w)SG_(?=\s+[A-Za-z_]\w*(?:\s+\w+)?\s*(?::|$))")
_PSEUDO: Final = re.compile(
    r"(?<!\w)BO_\s+\d+\s+VECTOR__INDEPENDENT_SIG_MSG\b(.*?)(?=(?<!\w)BO_(?!\w)|$)", re.DOTALL
)


def mend(text: str, refusal: str) -> tuple[str, list[str]]:
    """Mend what is known to be harmless.

    Args:
        text: The DBC text.
        refusal: What cantools said against it.

    Returns:
        The text, changed or not, and one line for each kind of change.
    """
    changes: list[str] = []
    text = _without_unused(text, refusal, changes)
    if "more than 11 bits" in refusal:
        text = _extended_ids(text, changes)
    if "Invalid syntax" in refusal:
        text = _plain_syntax(text, changes)
    return text, changes


def missing_statements(text: str, database: Any) -> str:  # noqa: ANN401  cantools has no types
    """What the text defines and cantools did not take, in words; "" when nothing is missing.

    cantools' parser stops without a word where a statement is incomplete at the end of the text.
    """
    code = _outside_quotes(text, lambda part: part, quoted='""')
    pseudo = "".join(match.group(0) for match in _PSEUDO.finditer(code))
    messages = len(_MESSAGE.findall(code)) - len(_MESSAGE.findall(pseudo))
    signals = len(_SIGNAL.findall(code)) - len(_SIGNAL.findall(pseudo))
    read = sum(len(message.signals) for message in database.messages)
    if messages > len(database.messages):
        return f"{messages} messages are begun, {len(database.messages)} are complete"
    if signals > read:
        return f"{signals} signals are begun, {read} are complete"
    tail = code.rstrip()
    if '"' in tail.replace('""', ""):
        return "it ends inside a text in quotes"
    last = max(
        (tail.rfind(f"\n{keyword} ") for keyword in ("CM_", "BA_", "BA_DEF_", "VAL_", "SIG_VALTYPE_")),
        default=-1,
    )
    if last >= 0 and ";" not in tail[last:]:
        return f"it ends inside {tail[last:].split()[0]}"
    return ""


def _outside_quotes(text: str, change: Callable[[str], str], quoted: str | None = None) -> str:
    parts = _QUOTED.split(text)
    for position in range(0, len(parts), 2):
        parts[position] = change(parts[position])
    if quoted is not None:
        for position in range(1, len(parts), 2):
            parts[position] = quoted if parts[position].startswith('"') else "\n"
    return "".join(parts)


def _without_unused(text: str, refusal: str, changes: list[str]) -> str:
    if not refusal.startswith("unused "):
        return text
    for keyword, frame_id, signal in _UNUSED.findall(refusal):
        text = re.sub(
            rf'(?<!\w){keyword}\s+{frame_id}\s+{signal}(?!\w)[^;"]*(?:"(?:\\"|[^"])*"[^;"]*)*;', "", text
        )
        changes.append(f"{keyword} {frame_id} {signal} describes a signal that is not there: left out")
    return text


def _extended_ids(text: str, changes: list[str]) -> str:
    seen: set[int] = set()

    def extend(match: re.Match[str]) -> str:
        number = int(match[3])
        if not STANDARD_ID_MAX < number <= EXTENDED_ID_MAX:
            return match[0]
        if match[1] == "BO_":
            seen.add(number)
        return f"{match[1]}{match[2]}{number | 1 << 31}"

    text = _outside_quotes(text, lambda part: _ID.sub(extend, part))
    if seen:
        listed = ", ".join(f"0x{number:X}" for number in sorted(seen)[:5])
        more = f" and {len(seen) - 5} more" if len(seen) > 5 else ""
        changes.append(
            f"ids of more than 11 bits without the extended flag are taken as extended: {listed}{more}"
        )
    return text


def _plain_syntax(text: str, changes: list[str]) -> str:
    mended = _outside_quotes(text, lambda part: _BARE_FRACTION.sub(r"\g<1>0.", part))
    if mended != text:
        changes.append("numbers that begin with a point were given their 0")
    plain = _outside_quotes(mended, lambda part: _NAMELESS_COMMENT.sub(r"CM_\1BO_\2", part))
    if plain != mended:
        changes.append("comments on a signal without its name are taken as comments on its message")
    return plain
