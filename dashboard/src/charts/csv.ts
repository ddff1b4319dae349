/** What is drawn as CSV: one row per instant, one column per signal. Thinned-out samples are not in it. */

import type { Trace } from "../api/trace";
import { isoInstant } from "../state/time";
import { alignTraces } from "./align";

const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export function csvOf(traces: readonly Trace[]): string {
  const [times, ...columns] = alignTraces(traces);
  const header = traces.map(({ key, unit }) => quoted(unit ? `${key} [${unit}]` : key));
  const lines = [["timestamp", ...header].join(",")];
  times.forEach((time, row) => {
    const cells = columns.map((column) => column[row] ?? "");
    // a row of gap marks only is no sample
    if (cells.some((cell) => cell !== "")) lines.push([isoInstant(time), ...cells].join(","));
  });
  return `${lines.join("\n")}\n`;
}
