"""Write the service's OpenAPI document to dashboard/openapi.json, from which `npm run types` makes the types.

Run it after a change of the endpoints or models: `python scripts/export_openapi.py && npm --prefix dashboard run types`.
"""

import json
import tempfile
from pathlib import Path
from typing import Final

from api.app import create_app
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader

TARGET: Final = Path(__file__).parents[1] / "dashboard" / "openapi.json"


def document() -> str:
    """The document as it lies in the tree: the endpoints alone, whatever the lake."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Store.open(Path(folder).as_uri())
        app = create_app(ParquetReader(lake), lake=lake.url, store=lake, events=EventReader(lake))
        return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
