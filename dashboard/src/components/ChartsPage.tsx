/** The page of one vehicle: what to choose at the left, its charts in the middle. */

import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import { useShallow } from "zustand/react/shallow";
import { useCatalogue } from "../api/catalogue";
import { useEvents } from "../api/events";
import { isGrowing, useSessions } from "../api/queries";
import { retryFailed } from "../api/retry";
import type { Session, Vehicle } from "../api/types";
import { wholeDays } from "../state/event";
import { useFirstView } from "../state/useFirstView";
import { useNow } from "../state/useNow";
import { useView, type ViewState } from "../state/view";
import { NothingDecoded, NoVehicles, UnknownVehicle } from "./Empty";
import { EventList } from "./EventList";
import { ErrorNotice, Notice } from "./Notice";
import { OverlayPicker } from "./OverlayPicker";
import { SessionList } from "./SessionList";
import { SidebarTabs, type Tab } from "./SidebarTabs";
import { SignalTree } from "./SignalTree";
import { useEventKeys } from "./useEventKeys";
import { Workspace } from "./Workspace";

const NONE: ReadonlySet<string> = new Set();
const NO_SESSIONS: readonly Session[] = [];

const chosenOf = ({ vehicle, signals, live, range, overlay }: ViewState) => ({
  vehicle, signals, live, ranged: range !== null, runs: overlay.runs.length,
});

export function ChartsPage({ vehicles, drawer }: { readonly vehicles: UseQueryResult<Vehicle[]>; readonly drawer: boolean }) {
  // not the range itself: a zoom or a pan is for what draws it, and nothing else
  const { vehicle, signals, live, ranged, runs } = useView(useShallow(chosenOf));
  const days = useView(useShallow(({ range }) => range && wholeDays(range)));
  const [search, setSearch] = useState("");
  const [opened, setOpened] = useState(NONE);
  const [tab, setTab] = useState<Tab>("signals");
  const now = useNow();

  const unknown = vehicle !== null && vehicles.data?.every(({ vehicle_id }) => vehicle_id !== vehicle) === true;
  // of one that the lake does not hold there is nothing to ask until it is there
  const here = unknown ? null : vehicle;
  const sessions = useSessions(here, live);
  const catalogue = useCatalogue(here, search === "" ? opened : "all");
  const events = useEvents(here, days, live);
  const growing = isGrowing(sessions.data, now);
  useFirstView({ vehicles: vehicles.data, sessions: sessions.data, catalogue });
  useEventKeys(events.data);

  const error = vehicles.error ?? sessions.error ?? catalogue.error;

  const working = vehicle !== null && ranged && signals !== null && !unknown && vehicles.data?.length !== 0;
  let content;
  if (vehicles.data?.length === 0) content = <NoVehicles />;
  else if (unknown) content = <UnknownVehicle vehicle={vehicle} />;
  else if (working) {
    content = <Workspace vehicle={vehicle} signals={signals} growing={growing} sessions={sessions.data ?? NO_SESSIONS} />;
  } else if (error) content = <ErrorNotice error={error} onRetry={retryFailed} />;
  else if (sessions.data?.length === 0 && vehicle) content = <NothingDecoded vehicle={vehicle} />;
  else content = <Notice icon="wave" title="Loading…" />;

  return (
    <>
      <aside className={drawer ? "sidebar open" : "sidebar"} aria-label="What to show">
        {vehicle && !unknown && (
          <>
            <SessionList key={`sessions ${vehicle}`} sessions={sessions.data} growing={growing} />
            <SidebarTabs tab={tab} onTab={setTab} counts={{ events: events.data?.length ?? 0, overlay: runs }}>
              {tab === "signals" && (
                <SignalTree
                  key={vehicle}
                  catalogue={catalogue}
                  search={search}
                  onSearch={setSearch}
                  opened={opened}
                  onOpened={setOpened}
                />
              )}
              {tab === "events" && <EventList events={events} />}
              {tab === "overlay" && (
                <OverlayPicker key={vehicle} vehicle={vehicle} vehicles={vehicles.data ?? []} sessions={sessions.data} />
              )}
            </SidebarTabs>
          </>
        )}
      </aside>
      {working ? content : <main className="workspace">{content}</main>}
    </>
  );
}
