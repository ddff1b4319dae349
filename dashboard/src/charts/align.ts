/** Columns of different clocks on one time axis, as uPlot wants them. */

import type { Trace } from "../api/trace";

type Value = number | null | undefined;

/** Times, then one column of values per source: null is a gap, undefined is "no sample at this time". */
export type Aligned = [number[], ...Value[][]];

/** Columns that share their times. */
export interface Clocked {
  readonly t: readonly number[];
  readonly columns: readonly (readonly (number | null)[])[];
}

/** Merge by time in one pass. A source may have two samples at one time; both rows are kept. */
export function alignColumns(sources: readonly Clocked[]): Aligned {
  const [first, ...others] = sources;
  // one clock needs no merging; uPlot does not write into what it is given
  if (first && others.every(({ t }) => t === first.t)) {
    return [first.t as number[], ...sources.flatMap(({ columns }) => columns as Value[][])];
  }
  const times: number[] = [];
  const found = sources.map(({ columns }) => columns.map((): Value[] => []));
  const at = new Array<number>(sources.length).fill(0);
  for (;;) {
    let time = Infinity;
    for (let i = 0; i < sources.length; i++) {
      const next = sources[i]?.t[at[i] ?? 0];
      if (next !== undefined && next < time) time = next;
    }
    if (time === Infinity) return [times, ...found.flat()];
    times.push(time);
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i];
      const index = at[i] ?? 0;
      if (!source) continue;
      const here = source.t[index] === time;
      if (here) at[i] = index + 1;
      const into = found[i] ?? [];
      for (let column = 0; column < into.length; column++) {
        into[column]?.push(here ? source.columns[column]?.[index] : undefined);
      }
    }
  }
}

/** The values of traces on one time axis. */
export function alignTraces(traces: readonly Pick<Trace, "t" | "v">[]): Aligned {
  return alignColumns(traces.map(({ t, v }) => ({ t, columns: [v] })));
}
