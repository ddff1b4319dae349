/** Which vehicle: a button that opens the list, newest seen first. */

import { useRef, useState } from "react";
import type { Vehicle } from "../api/types";
import { formatCompact } from "../state/number";
import { formatAgo, parseInstant } from "../state/time";
import { useNow } from "../state/useNow";
import { pickVehicle, useView } from "../state/view";
import { Icon } from "./Icon";
import { useDismiss } from "./useDismiss";

/** A list longer than this gets a search box. */
const SEARCHABLE = 8;

export function VehiclePicker({ vehicles }: { readonly vehicles: readonly Vehicle[] }) {
  const vehicle = useView((view) => view.vehicle);
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState("");
  const root = useRef<HTMLDivElement>(null);
  const now = useNow();
  useDismiss(root, open, () => setOpen(false));
  const current = vehicles.find(({ vehicle_id }) => vehicle_id === vehicle);
  const found = vehicles.filter(({ vehicle_id }) => vehicle_id.toLowerCase().includes(search.toLowerCase()));
  return (
    <div className="picker" ref={root}>
      <button
        type="button"
        className="picker-button"
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-label={`Vehicle ${vehicle ?? "none"}`}
        onClick={() => setOpen(!open)}
      >
        <span className="picker-label">Vehicle</span>
        <strong>{vehicle ?? "–"}</strong>
        {current && <span className="muted picker-seen">{seen(current, now)}</span>}
        <Icon name="down" />
      </button>
      {open && (
        <div className="popover">
          {vehicles.length > SEARCHABLE && (
            <input
              className="input"
              type="search"
              placeholder={`Find one of ${vehicles.length} vehicles`}
              aria-label="Find a vehicle"
              autoFocus
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
          )}
          <ul role="listbox" aria-label="Vehicles">
            {found.map((item) => (
              <li key={item.vehicle_id} role="option" aria-selected={item.vehicle_id === vehicle}>
                <button
                  type="button"
                  onClick={() => {
                    pickVehicle(item.vehicle_id);
                    setOpen(false);
                    setSearch("");
                  }}
                >
                  <strong>{item.vehicle_id}</strong>
                  <span className="muted">last seen {seen(item, now)}</span>
                  <span className="muted number">{formatCompact(item.frame_count)} frames</span>
                </button>
              </li>
            ))}
            {found.length === 0 && <li className="muted nothing">No vehicle of that name</li>}
          </ul>
        </div>
      )}
    </div>
  );
}

function seen({ last_seen }: Vehicle, now: number): string {
  return last_seen ? formatAgo(parseInstant(last_seen), now) : "never";
}
