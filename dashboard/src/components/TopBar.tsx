/** The line at the top: what this is, which page, which vehicle, whether the service is well. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { Health, Vehicle } from "../api/types";
import { pageHref, type Page } from "../state/page";
import { switchTheme, useTheme } from "../state/theme";
import { Account } from "./Account";
import { HealthPill } from "./HealthPill";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";
import { Link } from "./Link";
import { VehiclePicker } from "./VehiclePicker";

interface Props {
  readonly page: Page;
  readonly vehicles: readonly Vehicle[];
  readonly health: UseQueryResult<Health>;
  readonly drawer: boolean;
  readonly onDrawer: (open: boolean) => void;
  readonly onHelp: () => void;
}

export function TopBar({ page, vehicles, health, drawer, onDrawer, onHelp }: Props) {
  const theme = useTheme((state) => state.theme);
  return (
    <header className="topbar">
      {page === "charts" && (
        <button
          type="button"
          className="icon-button drawer-button"
          aria-label="Sessions and signals"
          aria-expanded={drawer}
          onClick={() => onDrawer(!drawer)}
        >
          <Icon name="menu" />
        </button>
      )}
      <h1 className="brand">
        <Icon name="wave" />
        <span>can-telemetry</span>
      </h1>
      <nav className="pages" aria-label="Pages">
        <Link href={pageHref("charts")} className="link" current={page === "charts"} title="Charts of one vehicle  (g)">
          <Icon name="wave" />
          Charts
        </Link>
        <Link href={pageHref("fleet")} className="link" current={page === "fleet"} title="All vehicles  (G)">
          <Icon name="fleet" />
          Fleet
        </Link>
      </nav>
      {page === "charts" && <VehiclePicker vehicles={vehicles} />}
      <div className="spacer" />
      <HealthPill health={health} />
      <div className="topbar-links">
        <a className="link" href="/docs" target="_blank" rel="noreferrer">
          <Icon name="docs" />
          API
        </a>
        <IconButton
          icon={theme === "dark" ? "sun" : "moon"}
          label={theme === "dark" ? "Light theme" : "Dark theme"}
          hotkey="c"
          onClick={switchTheme}
        />
        <IconButton icon="keys" label="Keys and gestures" hotkey="?" onClick={onHelp} />
        <Account />
      </div>
    </header>
  );
}
