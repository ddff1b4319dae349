/** The view as a query string: `?v=VIN&s=Msg.Sig,Msg.Sig&from=…&to=…&live=1`. Reading never throws. */

import type { TimeRange } from "./range";
import { refOf, type SignalKey } from "./signal";
import { isoInstant, parseInstant } from "./time";

export interface Address {
  readonly vehicle: string | null;
  /** null: not said; an empty list is a choice too. */
  readonly signals: readonly SignalKey[] | null;
  readonly range: TimeRange | null;
  readonly live: boolean;
}

export function readAddress(search: string): Address {
  const query = new URLSearchParams(search);
  const signals = query.get("s");
  const from = parseInstant(query.get("from") ?? "");
  const to = parseInstant(query.get("to") ?? "");
  return {
    vehicle: query.get("v") ?? null,
    signals: signals === null ? null : [...new Set(signals.split(",").filter((key) => refOf(key) !== null))],
    range: from < to ? { from, to } : null,
    live: query.get("live") === "1",
  };
}

export function writeAddress(address: Address): string {
  const parts: string[] = [];
  if (address.vehicle !== null) parts.push(`v=${encodeURIComponent(address.vehicle)}`);
  if (address.signals !== null) parts.push(`s=${address.signals.map(encodeURIComponent).join(",")}`);
  if (address.range !== null) parts.push(`from=${isoInstant(address.range.from)}`, `to=${isoInstant(address.range.to)}`);
  if (address.live) parts.push("live=1");
  return parts.length > 0 ? `?${parts.join("&")}` : "";
}
