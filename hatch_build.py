"""What a wheel holds beside the packages: the files that `telemetry_pipeline.shipped` finds."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("dashboard/dist", "dbc/ev_powertrain.dbc", "dbc/rules.yaml", "deploy/instance/workspace.yaml")
TARGET = "telemetry_pipeline/_shipped"


class ShippedFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Puts them into the package. An editable installation has them in the source tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name them. The agent's Pi has no dashboard and needs none: it is left out where it was not built."""
        if version != "standard" or self.target_name != "wheel":
            return
        for name in SHIPPED:
            if (Path(self.root) / name).exists():
                build_data["force_include"][name] = f"{TARGET}/{name}"
