/** Fills in what nobody chose yet: the vehicle seen last, its newest session, telling signals. And follows live data. */

import { useEffect, useRef } from "react";
import { useShallow } from "zustand/react/shallow";
import type { Catalogue } from "../api/catalogue";
import type { Session, Vehicle } from "../api/types";
import { defaultSignals } from "./defaults";
import { endingAt, sameRange } from "./range";
import { sessionRange } from "./session";
import { keyOf } from "./signal";
import { followRange, openRange, pickVehicle, selectSignals, useView, type ViewState } from "./view";

interface Known {
  readonly vehicles: readonly Vehicle[] | undefined;
  readonly sessions: readonly Session[] | undefined;
  readonly catalogue: Catalogue;
}

const startOf = ({ vehicle, range, signals, carried, live }: ViewState) => ({
  vehicle, ranged: range !== null, signals, carried, live,
});

export function useFirstView({ vehicles, sessions, catalogue }: Known): void {
  const { vehicle, ranged, signals, carried, live } = useView(useShallow(startOf));
  const first = vehicles?.[0]?.vehicle_id;
  const newest = sessions?.[0];

  useEffect(() => {
    if (vehicle === null && first !== undefined) pickVehicle(first);
  }, [vehicle, first]);

  useEffect(() => {
    if (!ranged && newest) openRange(sessionRange(newest), live);
  }, [ranged, newest, live]);

  useEffect(() => {
    if (!catalogue.complete || catalogue.messages.length === 0 || (signals !== null && !carried)) return;
    const listed = [...catalogue.listed.values()];
    const known = new Set(
      listed.flatMap(({ message, signals: members }) =>
        members.map(({ signal_name }) => keyOf({ message_name: message.message_name, signal_name })),
      ),
    );
    const kept = (signals ?? []).filter((key) => known.has(key));
    selectSignals(kept.length > 0 ? kept : defaultSignals(listed));
  }, [catalogue, signals, carried]);

  const end = newest ? sessionRange(newest).to : null;
  const followed = useRef<number | null>(null);
  useEffect(() => {
    if (!live || end === null || !newest) {
      followed.current = null;
      return;
    }
    if (followed.current === end) return;
    followed.current = end;
    const { range: here, home } = useView.getState();
    const whole = sessionRange(newest);
    // a view of the whole session grows with it, a closer one slides along; a link says only where it begins
    const grows = home === null ? here?.from === whole.from : sameRange(here, home);
    if (here) followRange(grows ? whole : endingAt(here, end), whole);
  }, [live, end, newest]);
}
