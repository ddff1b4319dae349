/** Where the pointer is in time, for every panel's legend; null when it is in none. */

import { create } from "zustand";

export const useCrosshair = create<{ time: number | null }>()(() => ({ time: null }));

export function setCrosshair(time: number | null): void {
  if (useCrosshair.getState().time !== time) useCrosshair.setState({ time });
}
