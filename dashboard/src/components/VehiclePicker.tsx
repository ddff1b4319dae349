/** Which vehicle: a button that opens a list to search and to walk through, newest seen first. */

import { useId, useRef, useState, type KeyboardEvent } from "react";
import { useFleet } from "../api/fleet";
import type { Vehicle } from "../api/types";
import { useCommand } from "../state/command";
import { freshnessOf } from "../state/freshness";
import { nounFor } from "../state/number";
import { named } from "../state/search";
import { useNow } from "../state/useNow";
import { pickVehicle, useView } from "../state/view";
import { Icon } from "./Icon";
import { usePopup } from "./usePopup";
import { VehicleOption } from "./VehicleOption";

/** Decode health is that of the newest days of the fleet, as the page of the fleet shows it at first. */
const DAYS = 7;

export function VehiclePicker({ vehicles }: { readonly vehicles: readonly Vehicle[] }) {
  const vehicle = useView((view) => view.vehicle);
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = usePopup(root, button);
  const list = useId();
  const now = useNow();
  const fleet = useFleet(DAYS, open);
  const found = named(vehicles, search);
  const active = found[Math.min(at, found.length - 1)];
  const current = vehicles.find(({ vehicle_id }) => vehicle_id === vehicle);
  const seen = current && freshnessOf(current.last_seen, now);

  const show = (): void => {
    setOpen(true);
    setSearch("");
    setAt(Math.max(0, vehicles.findIndex(({ vehicle_id }) => vehicle_id === vehicle)));
  };
  const pick = (picked: Vehicle): void => {
    pickVehicle(picked.vehicle_id);
    setOpen(false);
  };
  const go = (to: number): void => {
    const next = Math.min(Math.max(to, 0), found.length - 1);
    setAt(next);
    document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  const press = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: found.length - 1 };
    const to = steps[event.key];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" && active) pick(active);
    else {
      if (event.key === "Tab") setOpen(false);
      return;
    }
    event.preventDefault();
  };
  useCommand("vehicles", show);

  return (
    <div className="picker" ref={root}>
      <button
        type="button"
        ref={button}
        className="picker-button"
        aria-haspopup="listbox"
        aria-expanded={open}
        title="Choose a vehicle  (v)"
        onClick={() => (open ? setOpen(false) : show())}
      >
        <span className="picker-label">Vehicle</span>
        <strong>{vehicle ?? "none"}</strong>
        {seen && (
          <span className="muted picker-seen">
            <span className={`dot ${seen.tone}`} />
            {seen.text}
          </span>
        )}
        <Icon name="down" />
      </button>
      {open && (
        <div className="popover">
          <input
            className="input"
            type="search"
            role="combobox"
            aria-expanded="true"
            aria-controls={list}
            aria-activedescendant={active ? `${list}-${found.indexOf(active)}` : undefined}
            aria-label="Find a vehicle"
            placeholder={`Find one of ${vehicles.length} ${nounFor(vehicles.length, "vehicle")}`}
            autoFocus
            value={search}
            onChange={(event) => {
              setSearch(event.target.value);
              setAt(0);
            }}
            onKeyDown={press}
          />
          <ul id={list} role="listbox" aria-label="Vehicles">
            {found.map((item, i) => (
              <VehicleOption
                key={item.vehicle_id}
                id={`${list}-${i}`}
                vehicle={item}
                chosen={item.vehicle_id === vehicle}
                active={item === active}
                health={fleet.data?.vehicles.find(({ vehicle_id }) => vehicle_id === item.vehicle_id)}
                now={now}
                onPick={() => pick(item)}
              />
            ))}
          </ul>
          {found.length === 0 && (
            <p className="muted nothing" role="status">
              No vehicle of that name: clear the search to see all {vehicles.length}.
            </p>
          )}
        </div>
      )}
    </div>
  );
}
