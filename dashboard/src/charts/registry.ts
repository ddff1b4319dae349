/** The charts on the page by unit, as `window.__telemetry.charts`: for the console, for extensions and for tests. */

import type uPlot from "uplot";

declare global {
  interface Window {
    __telemetry?: { readonly charts: ReadonlyMap<string, uPlot> };
  }
}

const charts = new Map<string, uPlot>();

/** Make a chart known; returns how to take it back. */
export function register(unit: string, chart: uPlot): () => void {
  window.__telemetry ??= { charts };
  charts.set(unit, chart);
  return () => {
    if (charts.get(unit) === chart) charts.delete(unit);
  };
}
