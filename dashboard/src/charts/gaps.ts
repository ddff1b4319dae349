/** Where a line is interrupted, from its own samples: on a shared time axis the rows beside a gap's mark are other lines'. */

import type uPlot from "uplot";

/** Stretches in pixels of the canvas, for uPlot; null parts a line, undefined is no sample of it. */
export function ownGaps(chart: uPlot, series: number, first: number, last: number): [number, number][] {
  const times = chart.data[0];
  const values = chart.data[series] ?? [];
  const pixel = (index: number): number => Math.round(chart.valToPos(times[index] ?? 0, "x", true));
  const found: [number, number][] = [];
  let before = chart.bbox.left;
  let parted = false;
  for (let i = first; i <= last; i++) {
    const value = values[i];
    if (value === undefined) continue;
    if (value === null) {
      parted = true;
      continue;
    }
    const here = pixel(i);
    if (parted && here > before) found.push([before, here]);
    [before, parted] = [here, false];
  }
  if (parted) found.push([before, chart.bbox.left + chart.bbox.width]);
  return found;
}
