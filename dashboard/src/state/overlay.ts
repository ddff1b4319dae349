/** Other runs laid over the own one: sessions of this or another vehicle, moved in time so that they can be compared. */

import { DAY } from "./time";

export interface Run {
  readonly vehicle: string;
  /** When it begins, epoch milliseconds. */
  readonly start: number;
}

/** Laid over each other by when they begin, or by the time of day. */
export type Alignment = "start" | "clock";

export interface Overlay {
  readonly runs: readonly Run[];
  readonly align: Alignment;
  /** When the own run begins: what the others are moved to. */
  readonly origin: number | null;
}

export const NO_OVERLAY: Overlay = { runs: [], align: "start", origin: null };

/** More lines in one panel are not told apart. */
export const MAX_RUNS = 7;

/** How much later than the own clock a run's clock is; taken off its times it lies over the own run. */
export function shiftOf(run: Run, { align, origin }: Overlay): number {
  const shift = origin === null ? 0 : run.start - origin;
  return align === "start" ? shift : Math.round(shift / DAY) * DAY;
}

export function sameRun(a: Run, b: Run): boolean {
  return a.vehicle === b.vehicle && a.start === b.start;
}
