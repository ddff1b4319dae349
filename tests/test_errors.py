"""Errors are one line each, those of libraries among them."""

import pytest

from telemetry_pipeline.errors import FIRST_LINE_MAX, BadRaw, first_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("\n broken here\nDebug source:\nlines of it"), "broken here"),
        (OSError("x" * 1000), "x" * FIRST_LINE_MAX),
        (OSError(), "OSError"),
        (BadRaw("w" * 1000, "key", "Do that"), f"key: {'w' * 1000}. Do that"),
        ("of another\nprogram", "of another"),
        ("", ""),
    ],
)
def test_what_an_error_says_is_its_first_line(error: BaseException | str, said: str) -> None:
    assert first_line(error) == said
