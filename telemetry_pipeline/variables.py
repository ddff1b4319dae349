"""Values of settings as environments hold them: texts, each read in one way. Which settings there are is others' business.

An unset and an empty variable are the same.
"""

import re
from collections.abc import Mapping

from telemetry_pipeline.errors import BadSetting

Env = Mapping[str, str]


def flag(env: Env, name: str) -> bool:
    """Yes or no; unset is no.

    Raises:
        BadSetting: It is neither.
    """
    text = env.get(name, "").strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("", "0", "false", "no", "off"):
        return False
    raise BadSetting(f"{text!r} is neither yes nor no", name, "Use 1 or 0")


def number(env: Env, name: str, usual: int, bounds: tuple[int, int]) -> int:
    """A whole number from the first bound to the second; the usual one where it is unset.

    Raises:
        BadSetting: It is none, or out of bounds.
    """
    if not (text := env.get(name)):
        return usual
    low, high = bounds
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise BadSetting(f"{text!r} is not a number from {low:,} to {high:,}", name, "Use a whole number")
    return int(text)


def matching(env: Env, name: str, form: str, what: str, remedy: str = "") -> str | None:
    """A text of a form; None where it is unset.

    Raises:
        BadSetting: It has another form than what it has to be.
    """
    if not (text := env.get(name)):
        return None
    if not re.fullmatch(form, text):
        raise BadSetting(f"{text!r} is not {what}", name, remedy)
    return text


def texts(env: Env, name: str) -> tuple[str, ...]:
    """Texts with commas between them; none where it is unset."""
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())
