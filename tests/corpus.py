"""Where the corpus of real logs and databases lies, when it is there: beside the project, never inside it."""

from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of real recordings is not beside the project"
)
