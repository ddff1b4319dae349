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

/** Merge by time. A source may have two samples at one time; both rows are kept. */
export function alignColumns(sources: readonly Clocked[]): Aligned {
  const [first, ...others] = sources;
  // one clock needs no merging; uPlot does not write into what it is given
  if (first && others.every(({ t }) => t === first.t)) {
    return [first.t as number[], ...sources.flatMap(({ columns }) => columns as Value[][])];
  }
  const { times, rows } = mergeTimes(sources.map(({ t }) => t));
  const columns = sources.flatMap(({ t, columns: own }, i) =>
    own.map((values): Value[] => {
      const found = new Array<Value>(times.length).fill(undefined);
      const places = rows[i];
      for (let index = 0; index < t.length; index++) found[places?.[index] ?? 0] = values[index];
      return found;
    }),
  );
  return [times, ...columns];
}

/** Every time once, ascending, and in which row each time of each clock is. */
function mergeTimes(clocks: readonly (readonly number[])[]): { readonly times: number[]; readonly rows: readonly Uint32Array[] } {
  const rows = clocks.map((clock) => new Uint32Array(clock.length));
  const at = new Uint32Array(clocks.length);
  const times: number[] = [];
  for (;;) {
    let time = Infinity;
    for (let i = 0; i < clocks.length; i++) {
      const next = clocks[i]?.[at[i] ?? 0] ?? Infinity;
      if (next < time) time = next;
    }
    if (time === Infinity) return { times, rows };
    const row = times.push(time) - 1;
    for (let i = 0; i < clocks.length; i++) {
      const index = at[i] ?? 0;
      if (clocks[i]?.[index] !== time) continue;
      (rows[i] ?? NO_ROWS)[index] = row;
      at[i] = index + 1;
    }
  }
}

const NO_ROWS = new Uint32Array(0);

/** The values of traces on one time axis. */
export function alignTraces(traces: readonly Pick<Trace, "t" | "v">[]): Aligned {
  return alignColumns(traces.map(({ t, v }) => ({ t, columns: [v] })));
}
