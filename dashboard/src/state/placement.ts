/** In which panel a signal stands, where somebody moved it: panels are named by a unit, or `#1`, `#2`… when they are new. */

import type { SignalKey } from "./signal";

export type Placement = Readonly<Record<SignalKey, string>>;

export const NOT_PLACED: Placement = {};

/** A name that no panel has yet. */
export function freshPanel(held: readonly string[]): string {
  let number = 1;
  while (held.includes(`#${number}`)) number++;
  return `#${number}`;
}
