/** The page: who is chosen at the top, what at the left, the charts in the middle. */

import { useCallback, useEffect, useState } from "react";
import { useCatalogue } from "./api/catalogue";
import { isGrowing, queryClient, useHealth, useSessions, useVehicles } from "./api/queries";
import { HelpDialog } from "./components/HelpDialog";
import { ErrorNotice, Notice } from "./components/Notice";
import { SessionList } from "./components/SessionList";
import { SignalTree } from "./components/SignalTree";
import { TopBar } from "./components/TopBar";
import { useKeys } from "./components/useKeys";
import { Workspace } from "./components/Workspace";
import { useAddress } from "./state/useAddress";
import { useFirstView } from "./state/useFirstView";
import { useNow } from "./state/useNow";
import { useView } from "./state/view";

const NONE: ReadonlySet<string> = new Set();

/** Ask again for everything that failed. */
const retryFailed = (): void =>
  void queryClient.refetchQueries({ predicate: (query) => query.state.status === "error" });

export function App() {
  const { vehicle, range, signals, live } = useView();
  const [help, setHelp] = useState(false);
  const [search, setSearch] = useState("");
  const [opened, setOpened] = useState(NONE);
  const openHelp = useCallback(() => setHelp(true), []);
  const now = useNow();

  const health = useHealth();
  const vehicles = useVehicles();
  const sessions = useSessions(vehicle, live);
  const catalogue = useCatalogue(vehicle, search === "" ? opened : "all");
  const growing = isGrowing(sessions.data, now);
  useAddress();
  useFirstView({ vehicles: vehicles.data, sessions: sessions.data, catalogue });
  useKeys(openHelp);

  // a service that is back makes its own errors void
  const well = health.isSuccess;
  useEffect(() => {
    if (well) retryFailed();
  }, [well]);

  const error = vehicles.error ?? sessions.error ?? catalogue.error;
  const unknown = vehicle !== null && vehicles.data?.every(({ vehicle_id }) => vehicle_id !== vehicle);

  let content;
  if (vehicles.data?.length === 0) content = <NoVehicles />;
  else if (vehicles.data && unknown) content = <UnknownVehicle vehicle={vehicle} />;
  else if (vehicle && range && signals) {
    content = <Workspace vehicle={vehicle} range={range} signals={signals} growing={growing} />;
  } else if (error) content = <ErrorNotice error={error} onRetry={retryFailed} />;
  else if (sessions.data?.length === 0 && vehicle) content = <NothingDecoded vehicle={vehicle} />;
  else content = <Notice icon="wave" title="Loading…" />;

  return (
    <div className="app">
      <TopBar vehicles={vehicles.data ?? []} health={health} onHelp={openHelp} />
      <aside className="sidebar">
        {vehicle && !unknown && (
          <>
            <SessionList sessions={sessions.data} growing={growing} />
            <SignalTree
              key={vehicle}
              catalogue={catalogue}
              search={search}
              onSearch={setSearch}
              opened={opened}
              onOpened={setOpened}
            />
          </>
        )}
      </aside>
      {content}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}

function NoVehicles() {
  return (
    <Notice icon="wave" title="No vehicle yet">
      <p>The lake is empty. Make an hour of driving, or import a log of your own:</p>
      <pre>
        telemetry simulate --vehicle VIN_DEMO01 --start 2025-01-15T08:00Z --duration 1h{"\n"}
        telemetry import drive.asc --vehicle MY_CAR{"\n"}
        telemetry decode --pending
      </pre>
      <p className="muted">This page looks again by itself.</p>
    </Notice>
  );
}

function UnknownVehicle({ vehicle }: { readonly vehicle: string }) {
  return (
    <Notice icon="warning" title={`No vehicle “${vehicle}” here`}>
      <p>The link names a vehicle that this lake does not hold. Choose another one at the top.</p>
    </Notice>
  );
}

function NothingDecoded({ vehicle }: { readonly vehicle: string }) {
  return (
    <Notice icon="wave" title="Nothing decoded yet">
      <p>{vehicle} is known, but none of its frames are decoded.</p>
      <pre>telemetry decode --pending</pre>
    </Notice>
  );
}
