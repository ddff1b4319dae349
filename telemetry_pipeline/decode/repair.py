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
_UNENDED_COMMENT: Final = re.compile(r'(?m)^(CM_\s+"(?:\\"|[^"])*")(?=\s*(?:BO_\s|CM_\s|BU_\s*:|VAL_\s|$))')
_UNUSED: Final = re.compile(r"\b(VAL_|SIG_VALTYPE_) (\d+) (\w+)")
_MESSAGE: Final = re.compile(r"(?<!\w)BO_(?=(?:\s+\d+)?\s*$|\s+\d+\s+[A-Za-z_])")
_SIGNAL: Final = re.compile(r"(?<!\w)SG_(?=\s*$|\s+[A-Za-z_]\w*(?:\s+\w+)?\s*(?::|$))")
_PSEUDO: Final = re.compile(
    r"(?<!\w)BO_\s+\d+\s+VECTOR__INDEPENDENT_SIG_MSG\b(.*?)(?=(?<!\w)BO_(?!\w)|$)", re.DOTALL
)


_ENDED: Final = re.compile(
    r"(?<!\w)(CM_|BA_\w*|VAL_|VAL_TABLE_|SIG_VALTYPE_|SG_MUL_VAL_|SIG_GROUP_|BO_TX_BU_)(?=[ \t]+\S|\s*\Z)"
)
"""Keywords of statements that a semicolon ends; in the NS_ section they stand alone on their lines."""

_OPEN_LINE: Final = re.compile(r"(?<!\w)(SG_|BO_)[ \t][^\r\n;]*\Z")
_VITAL: Final = frozenset({"SIG_VALTYPE_", "SG_MUL_VAL_"})
"""Statements without which values are wrong; a lost comment, attribute or value name changes no number."""


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
    code = _code(text)
    pseudo = "".join(match.group(0) for match in _PSEUDO.finditer(code))
    messages = len(_MESSAGE.findall(code)) - len(_MESSAGE.findall(pseudo))
    signals = len(_SIGNAL.findall(code)) - len(_SIGNAL.findall(pseudo))
    read = sum(len(message.signals) for message in database.messages)
    if messages > len(database.messages):
        return f"{messages} messages are begun, {len(database.messages)} are complete"
    if signals > read:
        return f"{signals} signals are begun, {read} are complete"
    end = open_end(text)
    return f"it ends inside {end}" if end in _VITAL else ""


def open_end(text: str) -> str:
    """The keyword of the statement that the text seems to end in, or "".

    That is one without its semicolon, or a signal's or message's line without its line end.
    """
    code = _code(text)
    begun = _ENDED.search(code, code.rfind(";") + 1) or _OPEN_LINE.search(code)
    return begun[1] if begun else ""


def _code(text: str) -> str:
    """The text without what is quoted or commented out."""
    return _outside_quotes(text, lambda part: part, quoted='""')


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
    ended = _UNENDED_COMMENT.sub(r"\1;", plain)
    if ended != plain:
        changes.append("comments without their semicolon were given it")
    return ended
