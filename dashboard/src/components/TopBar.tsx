/** The line at the top: what this is, which vehicle, whether it is live and well. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { Health, Vehicle } from "../api/types";
import { setTheme, useTheme } from "../state/theme";
import { HealthPill } from "./HealthPill";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";
import { VehiclePicker } from "./VehiclePicker";

interface Props {
  readonly vehicles: readonly Vehicle[];
  readonly health: UseQueryResult<Health>;
  readonly onHelp: () => void;
}

export function TopBar({ vehicles, health, onHelp }: Props) {
  const theme = useTheme((state) => state.theme);
  return (
    <header className="topbar">
      <h1 className="brand">
        <Icon name="wave" />
        can-telemetry
      </h1>
      <VehiclePicker vehicles={vehicles} />
      <div className="spacer" />
      <HealthPill health={health} />
      <nav className="topbar-links">
        <a className="link" href="/docs" target="_blank" rel="noreferrer">
          <Icon name="docs" />
          API
        </a>
        <IconButton
          icon={theme === "dark" ? "sun" : "moon"}
          label={theme === "dark" ? "Light theme" : "Dark theme"}
          onClick={() => setTheme(theme === "dark" ? "light" : "dark")}
        />
        <IconButton icon="keys" label="Keys and gestures" hotkey="?" onClick={onHelp} />
      </nav>
    </header>
  );
}
