/** One vehicle of the picker: when it was last heard, how much it recorded, and how well that was decoded. */

import type { Vehicle, VehicleHealth } from "../api/types";
import { faultsOf, sumOf, toneOf } from "../state/fleet";
import { freshnessOf } from "../state/freshness";
import { formatCompact, nounFor } from "../state/number";

interface Props {
  readonly id: string;
  readonly vehicle: Vehicle;
  /** Of the newest days; undefined while it is not known. */
  readonly health: VehicleHealth | undefined;
  readonly chosen: boolean;
  /** Where the keyboard is. */
  readonly active: boolean;
  readonly now: number;
  readonly onPick: () => void;
}

export function VehicleOption({ id, vehicle, health, chosen, active, now, onPick }: Props) {
  const seen = freshnessOf(vehicle.last_seen, now);
  const sum = health && sumOf(health.days);
  const tone = sum ? toneOf(sum) : "";
  return (
    <li id={id} role="option" aria-selected={chosen} className={active ? "active" : ""} onClick={onPick}>
      <strong>
        <span className={`dot ${tone}`} />
        {vehicle.vehicle_id}
      </strong>
      <span className={`seen ${seen.tone}`}>last seen {seen.text}</span>
      <span className="muted number">{formatCompact(vehicle.frame_count)} {nounFor(vehicle.frame_count, "frame")}</span>
      <span className={`option-health number ${tone}`}>{sum ? faultsOf(sum) : "…"}</span>
    </li>
  );
}
