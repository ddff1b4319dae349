/** One vehicle of the picker: when it was last heard, how much it recorded, and whether anything is wrong with it. */

import type { Vehicle } from "../api/types";
import { freshnessOf } from "../state/freshness";
import { formatCompact } from "../state/number";

interface Props {
  readonly id: string;
  readonly vehicle: Vehicle;
  readonly chosen: boolean;
  /** Where the keyboard is. */
  readonly active: boolean;
  readonly now: number;
  readonly onPick: () => void;
}

export function VehicleOption({ id, vehicle, chosen, active, now, onPick }: Props) {
  const { tone, text } = freshnessOf(vehicle.last_seen, now);
  return (
    <li id={id} role="option" aria-selected={chosen} className={active ? "active" : ""} onClick={onPick}>
      <strong>
        <span className={`dot ${tone}`} />
        {vehicle.vehicle_id}
      </strong>
      <span className="muted">last seen {text}</span>
      <span className="muted number">{formatCompact(vehicle.frame_count)} frames</span>
    </li>
  );
}
