/** Where the service gives every sample of a range as a file: the browser streams it to the disk, whatever its size. */

import type { TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { isoInstant } from "../state/time";
import { vehiclePath } from "./queries";

export function exportAddress(vehicle: string, signals: readonly SignalKey[], range: TimeRange, format: "csv" | "parquet"): string {
  const query = new URLSearchParams({
    start: isoInstant(range.from),
    end: isoInstant(range.to),
    signals: signals.join(","),
    format,
  });
  return `${vehiclePath(vehicle)}/export?${query.toString()}`;
}
