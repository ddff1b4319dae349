"""What the stacks take from this source tree: packages, images, the built dashboard. Nothing is built here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telemetry_pipeline.errors import BadSetting

ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Assets:
    """Where they lie.

    Attributes:
        decoder: The decoder's package, a zip.
        api: The service's package, a folder that becomes an image by the Dockerfile in it.
        dashboard: The folder of the built dashboard.
        pipeline: The root of a source tree, from which the image of Dagster's processes is built.
    """

    decoder: Path = ROOT / "build" / "lambda.zip"
    api: Path = ROOT / "build" / "lambda-api"
    dashboard: Path = ROOT / "dashboard" / "dist"
    pipeline: Path = ROOT

    def check(self) -> None:
        """See that everything is built.

        Raises:
            BadSetting: Something is not.
        """
        for path, command in (
            (self.decoder, "make lambda"),
            (self.api / "Dockerfile", "make lambda"),
            (self.dashboard / "index.html", "make dashboard/dist/index.html"),
        ):
            if not path.exists():
                raise BadSetting("not built yet", str(path), f"Run: {command}")
