/** How charts are drawn, as somebody likes it: how many points a signal gets, and the grid. The browser remembers it. */

import { create } from "zustand";
import { readStored, writeStored } from "./stored";

const NAME = "display";

/** What there is to choose from; more than a screen can show is for pictures that are enlarged later. */
export const POINTS = [500, 1000, 2000, 5000, 10_000, 50_000] as const;

export interface Display {
  /** Points per signal and screen; null: as many as the screen can show. */
  readonly maxPoints: number | null;
  readonly showGrid: boolean;
}

const USUAL: Display = { maxPoints: null, showGrid: true };

export const useDisplay = create<Display>()(() => readDisplay(readStored(NAME)));

/** What was stored; whatever it does not say, or says wrongly, is as usual. */
function readDisplay(stored: unknown): Display {
  if (typeof stored !== "object" || stored === null) return USUAL;
  const { maxPoints, showGrid } = stored as Partial<Record<keyof Display, unknown>>;
  return {
    maxPoints: POINTS.find((count) => count === maxPoints) ?? USUAL.maxPoints,
    showGrid: typeof showGrid === "boolean" ? showGrid : USUAL.showGrid,
  };
}

export function setDisplay(change: Partial<Display>): void {
  useDisplay.setState(change);
  writeStored(NAME, useDisplay.getState());
}

export const switchGrid = (): void => setDisplay({ showGrid: !useDisplay.getState().showGrid });
