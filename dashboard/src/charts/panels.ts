/** Which traces share a panel: those of the same unit, in the order in which the units first appear. */

import { formatCount } from "../state/number";
import type { Trace } from "../api/trace";

export interface PanelModel {
  readonly unit: string;
  readonly traces: readonly Trace[];
}

export function groupByUnit(traces: readonly Trace[]): PanelModel[] {
  const groups = new Map<string, Trace[]>();
  for (const trace of traces) {
    const group = groups.get(trace.unit);
    if (group) group.push(trace);
    else groups.set(trace.unit, [trace]);
  }
  return [...groups].map(([unit, members]) => ({ unit, traces: members }));
}

const METHODS: Readonly<Record<string, string>> = { lttb: "LTTB", minmaxlttb: "MinMaxLTTB", m4: "M4", raw: "raw" };

/** What the picture is made of: `2,000 of 36,012 samples · LTTB`, or that nothing was left out. */
export function resolutionOf(traces: readonly Trace[]): { text: string; complete: boolean } {
  const drawn = traces.reduce((sum, trace) => sum + trace.drawn, 0);
  const source = traces.reduce((sum, trace) => sum + trace.source, 0);
  if (source <= drawn) return { text: drawn === 1 ? "1 sample" : `all ${formatCount(drawn)} samples`, complete: true };
  const methods = new Set(traces.flatMap((trace) => (trace.method ? [METHODS[trace.method] ?? trace.method] : [])));
  const how = methods.size > 0 ? ` · ${[...methods].join(", ")}` : "";
  return { text: `${formatCount(drawn)} of ${formatCount(source)} samples${how}`, complete: false };
}
