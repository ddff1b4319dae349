"""Where the corpus of real logs and databases lies, when it is there: beside the project, never inside it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.lake.parquet import conform_raw

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of real recordings is not beside the project"
)


def recording(name: str, channel: str | None = None) -> pa.Table:
    """The frames of a recording of the corpus as a raw table; of one channel, if one is named."""
    frames = pq.read_table(CORPUS / "pairs" / name / "frames.parquet")
    if channel is not None:
        frames = frames.filter(pc.equal(frames["channel"].cast(pa.string()), channel))
    flags = {"is_extended": "is_extended_id", "is_error": "is_error_frame", "is_remote": "is_remote_frame"}
    frames = frames.rename_columns([flags.get(column, column) for column in frames.column_names])
    return conform_raw(frames.append_column("vehicle_id", pa.repeat("V", frames.num_rows)), name)
