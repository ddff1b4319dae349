/** What statistics say of a signal, as cells of a table: how many samples, and how they are spread. */

import type { SignalStats } from "../api/types";
import { formatCount, formatValue } from "../state/number";

/** What the cells are called, in their order. */
export const STATS_TITLES = ["Samples", "Min", "Max", "Mean", "Std dev"] as const;

export function StatsCells({ stats }: { readonly stats: SignalStats | undefined }) {
  return (
    <>
      <td>{stats ? formatCount(stats.count) : "–"}</td>
      <td>{formatValue(stats?.min)}</td>
      <td>{formatValue(stats?.max)}</td>
      <td>{formatValue(stats?.mean)}</td>
      <td>{formatValue(stats?.std)}</td>
    </>
  );
}
