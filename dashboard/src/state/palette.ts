/** Which colour a signal is drawn in: a slot that it keeps while it is selected, whatever comes and goes beside it. */

import type { SignalKey } from "./signal";

/** As many as `--series-N` in tokens.css. */
export const SLOTS = 10;

export type Slots = Readonly<Record<SignalKey, number>>;

/** Slots for `keys`: those that `held` gave stay, new ones get the least used, lowest first. */
export function assignSlots(keys: readonly SignalKey[], held: Slots): Slots {
  const slots: Record<SignalKey, number> = {};
  const used = new Array<number>(SLOTS).fill(0);
  for (const key of keys) {
    const slot = held[key];
    if (slot !== undefined) {
      slots[key] = slot;
      used[slot] = (used[slot] ?? 0) + 1;
    }
  }
  for (const key of keys) {
    if (slots[key] !== undefined) continue;
    const slot = used.indexOf(Math.min(...used));
    slots[key] = slot;
    used[slot] = (used[slot] ?? 0) + 1;
  }
  return slots;
}

/** The CSS variable of a slot. */
export function slotColor(slot: number | undefined): string {
  return `var(--series-${(slot ?? 0) + 1})`;
}
