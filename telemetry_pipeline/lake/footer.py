"""Our own footer entries of an object in the lake, by its key.

Who reads its columns as well opens it once, and takes the footer of what is open (`parquet.read_footer`).
"""

from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.store import Store


def footer_at(store: Store, key: str) -> dict[str, str]:
    """Read the footer of one object, without the rest of it.

    Raises:
        NotFound: No such object.
        BadRaw: It is not a Parquet file.
        TransientError: The store does not answer.
    """
    with store.open_file(key) as file:
        return parquet.read_footer(parquet.open_object(file, key))
