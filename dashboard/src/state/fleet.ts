/** A fleet's health in numbers: sums over days, shares, and the order in which vehicles are shown. */

import type { DayHealth, VehicleHealth } from "../api/types";
import { formatCompact, nounFor } from "./number";
import { parseInstant } from "./time";

/** What is counted; each has a column. */
export type Counted = "rows" | "unknown_id" | "decode_error" | "bad_rows" | "quarantined" | "pending";
export type Counts = Readonly<Record<Counted | "decoded_frames" | "skipped", number>>;

export type Column = "vehicle" | "seen" | "decoded" | Counted;

export interface Order {
  readonly by: Column;
  readonly down: boolean;
}

/** The order after a column was pressed: the same one turns round, another one begins with what matters most. */
export function reordered(order: Order, by: Column): Order {
  return { by, down: order.by === by ? !order.down : by !== "vehicle" && by !== "decoded" };
}

export function sumOf(days: readonly DayHealth[]): Counts {
  const sum = (name: keyof Counts): number => days.reduce((total, day) => total + day[name], 0);
  return {
    rows: sum("rows"), decoded_frames: sum("decoded_frames"), skipped: sum("skipped"), unknown_id: sum("unknown_id"),
    decode_error: sum("decode_error"), bad_rows: sum("bad_rows"), quarantined: sum("quarantined"), pending: sum("pending"),
  };
}

/** Which part of the frames that can be decoded at all was; null without any. */
export function decodedShare({ rows, decoded_frames, skipped }: Pick<Counts, "rows" | "decoded_frames" | "skipped">): number | null {
  return rows - skipped > 0 ? decoded_frames / (rows - skipped) : null;
}

/** `99.98 %`, never rounded up to a hundred that it is not. */
export function formatShare(share: number | null): string {
  if (share === null) return "–";
  if (share === 1) return "100 %";
  const cut = Math.floor(share * 10_000) / 100;
  return `${cut < 99 ? cut.toFixed(1) : cut.toFixed(2)} %`;
}

/** `99.99 % decoded · 2 with unknown ids · 1 in quarantine`: the share, and whatever is not as it should be. */
export function faultsOf(counts: Counts): string {
  const share = decodedShare(counts);
  const faults: readonly (readonly [Counted, string, string])[] = [
    ["unknown_id", "with an unknown id", "with unknown ids"], ["decode_error", "with an error", "with errors"],
    ["bad_rows", "bad row", "bad rows"], ["quarantined", "in quarantine", "in quarantine"], ["pending", "waiting", "waiting"],
  ];
  const parts = faults.flatMap(([name, one, many]) =>
    counts[name] > 0 ? [`${formatCompact(counts[name])} ${nounFor(counts[name], one, many)}`] : [],
  );
  return [share === null ? "no frames in the newest days" : `${formatShare(share)} decoded`, ...parts].join(" · ");
}

/** `bad` where data is lost or refused, `warn` where some of it could not be read, `good` otherwise, `` without any. */
export function toneOf(counts: Counts): "bad" | "warn" | "good" | "" {
  if (counts.quarantined > 0 || counts.bad_rows > 0) return "bad";
  if (counts.decode_error > 0 || counts.pending > 0 || (decodedShare(counts) ?? 1) < 0.95) return "warn";
  return counts.rows > 0 ? "good" : "";
}

/** In an order by one column; equal ones by their names. */
export function ordered(vehicles: readonly VehicleHealth[], { by, down }: Order): VehicleHealth[] {
  const value = (vehicle: VehicleHealth): number => {
    if (by === "vehicle") return 0;
    if (by === "seen") return vehicle.last_seen === null ? -Infinity : parseInstant(vehicle.last_seen);
    const sum = sumOf(vehicle.days);
    return by === "decoded" ? (decodedShare(sum) ?? -1) : sum[by];
  };
  const values = new Map(vehicles.map((vehicle) => [vehicle, value(vehicle)]));
  const way = down ? -1 : 1;
  return vehicles.toSorted((a, b) => {
    const apart = (values.get(a) ?? 0) - (values.get(b) ?? 0);
    if (apart !== 0) return apart * way;
    return a.vehicle_id.localeCompare(b.vehicle_id) * (by === "vehicle" ? way : 1);
  });
}
