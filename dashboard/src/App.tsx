/** The frame: who is chosen at the top, one of the pages below, and what lies over all of them. */

import { useCallback, useEffect, useState } from "react";
import { useSignIn } from "./api/auth";
import { useHealth, useVehicles } from "./api/queries";
import { retryFailed } from "./api/retry";
import { ChartsPage } from "./components/ChartsPage";
import { FleetPage } from "./components/fleet/FleetPage";
import { HelpDialog } from "./components/HelpDialog";
import { SignInPage } from "./components/SignInPage";
import { TopBar } from "./components/TopBar";
import { useKeys } from "./components/useKeys";
import { useCommand } from "./state/command";
import { usePage } from "./state/page";
import { useAddress } from "./state/useAddress";

export function App() {
  const page = usePage((state) => state.page);
  const [help, setHelp] = useState(false);
  const [drawer, setDrawer] = useState(false);
  const openHelp = useCallback(() => setHelp(true), []);
  const locked = useSignIn((state) => state.needed);
  const health = useHealth();
  const vehicles = useVehicles(!locked);
  useAddress();
  useKeys();
  useCommand("help", openHelp);

  // a service that is back makes its own errors void
  const well = health.isSuccess;
  useEffect(() => {
    if (well) retryFailed();
  }, [well]);

  return (
    <div className={`app ${locked ? "fleet" : page}`}>
      <TopBar page={page} vehicles={locked ? [] : (vehicles.data ?? [])} health={health} drawer={drawer} onDrawer={setDrawer} onHelp={openHelp} />
      {locked ? <SignInPage /> : page === "fleet" ? <FleetPage /> : <ChartsPage vehicles={vehicles} drawer={drawer} />}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}
