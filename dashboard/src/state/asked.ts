/**
 * Which range is asked for: the visible one, at once after a rest, while it changes quickly only when it rests again; seldom
 * while the view follows live data, which are appended.
 *
 * Outside of React, so that a question can leave with the key that moves the view: what is drawn first takes longer than
 * the service does.
 */

import { create } from "zustand";
import type { TimeRange } from "./range";
import { useView } from "./view";

const REST_MS = 120;
const LIVE_MS = 10_000;

export const useAsked = create<{ readonly range: TimeRange | null }>()(() => ({ range: null }));

/** Ask for what the view shows, from now on. */
export function listenToView(): void {
  let changed = -Infinity;
  let asked = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (): void => {
    asked = performance.now();
    useAsked.setState({ range: useView.getState().range });
  };
  useView.subscribe(({ range, live, vehicle }, before) => {
    if (range === before.range && live === before.live) return;
    const now = performance.now();
    const elsewhere = range === null || before.range === null || vehicle !== before.vehicle;
    const wait = elsewhere || now - changed > REST_MS ? 0 : REST_MS;
    const rest = live && before.live && !elsewhere ? asked + LIVE_MS - now : wait;
    changed = now;
    clearTimeout(timer);
    if (rest <= 0) ask();
    else timer = setTimeout(ask, rest);
  });
}
