/** Traces of different clocks on one time axis, as uPlot wants them. */

import type { Trace } from "../api/trace";

/** Times, then one column of values per trace: null is a gap, undefined is "no sample at this time". */
export type Aligned = [number[], ...(number | null | undefined)[][]];

/** Merge by time in one pass over all traces. A trace may have two samples at one time; both rows are kept. */
export function alignTraces(traces: readonly Pick<Trace, "t" | "v">[]): Aligned {
  const times: number[] = [];
  const columns: (number | null | undefined)[][] = traces.map(() => []);
  const at = new Array<number>(traces.length).fill(0);
  for (;;) {
    let time = Infinity;
    traces.forEach((trace, i) => {
      time = Math.min(time, trace.t[at[i] ?? 0] ?? Infinity);
    });
    if (time === Infinity) return [times, ...columns];
    times.push(time);
    traces.forEach((trace, i) => {
      const index = at[i] ?? 0;
      const here = trace.t[index] === time;
      columns[i]?.push(here ? trace.v[index] : undefined);
      if (here) at[i] = index + 1;
    });
  }
}
