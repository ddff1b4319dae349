/** The charts on the page by panel, as `window.__telemetry.charts`: for the console, for extensions and for tests. */

import type uPlot from "uplot";

declare global {
  interface Window {
    __telemetry?: { readonly charts: ReadonlyMap<string, uPlot> };
  }
}

const charts = new Map<string, uPlot>();

/** Make a chart known; returns how to take it back. */
export function register(panel: string, chart: uPlot): () => void {
  window.__telemetry ??= { charts };
  charts.set(panel, chart);
  return () => {
    if (charts.get(panel) === chart) charts.delete(panel);
  };
}

/** Draw what stands beside the lines anew: the lines themselves stay as they are. */
export function redrawAll(): void {
  for (const chart of charts.values()) chart.redraw(false, false);
}
