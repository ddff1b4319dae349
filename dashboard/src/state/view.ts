/** What the user looks at: vehicle, signals, visible range and its history. Data from the service is not kept here. */

import { create } from "zustand";
import { pointedAt, type CursorName, NO_CURSORS } from "./cursors";
import { MAX_RUNS, NO_OVERLAY, sameRun, type Alignment, type Run } from "./overlay";
import { assignSlots, type Slots } from "./palette";
import { endingAt, sameRange, spanOf, type TimeRange } from "./range";
import type { SignalKey } from "./signal";
import { NOWHERE, type Address } from "./url";

const HISTORY = 50;

export interface ViewState extends Address {
  /** The colour slot of each selected signal. */
  readonly slots: Slots;
  /** The signals were chosen for another vehicle: this one may not have them. */
  readonly carried: boolean;
  /** What "reset" returns to: the session or the range that was asked for. */
  readonly home: TimeRange | null;
  readonly past: readonly TimeRange[];
  readonly future: readonly TimeRange[];
}

const EMPTY: ViewState = { ...NOWHERE, slots: {}, carried: false, home: null, past: [], future: [] };

export const useView = create<ViewState>()(() => EMPTY);

const { getState: get, setState: set } = useView;

/** Take over an address whole. A live one follows from where it is: what it returns to is known once data is. */
export function openAddress(address: Address): void {
  set({ ...EMPTY, ...address, home: address.live ? null : address.range, slots: assignSlots(address.signals ?? [], {}) });
}

/** Another vehicle: its newest session, and the same signals as far as it has them. */
export function pickVehicle(vehicle: string): void {
  const { vehicle: held, signals } = get();
  if (vehicle === held) return;
  const elsewhere = held === null ? {} : { range: null, cursors: NO_CURSORS, overlay: NO_OVERLAY };
  set({ vehicle, ...elsewhere, home: null, past: [], future: [], carried: signals !== null });
}

export function selectSignals(signals: readonly SignalKey[]): void {
  const placed = Object.fromEntries(Object.entries(get().placed).filter(([key]) => signals.includes(key)));
  set({ signals, slots: assignSlots(signals, get().slots), carried: false, placed });
}

export function toggleSignal(key: SignalKey): void {
  const held = get().signals ?? [];
  selectSignals(held.includes(key) ? held.filter((other) => other !== key) : [...held, key]);
}

/** Show a session or a typed range; this is what "reset" returns to from now on. */
export function openRange(range: TimeRange, live = false): void {
  set({ range, home: range, live, past: [], future: [] });
}

/** Show another part, and remember where we were. A live view stops following. */
export function showRange(range: TimeRange): void {
  const { range: here, past } = get();
  if (sameRange(range, here)) return;
  set({ range, live: false, past: here ? [...past, here].slice(-HISTORY) : past, future: [] });
}

/** Move while a gesture lasts: nothing to remember until it ends. */
export function slideRange(range: TimeRange): void {
  set({ range, live: false });
}

/** End a gesture that began at `start`. */
export function settleRange(start: TimeRange): void {
  const { range, past } = get();
  if (!sameRange(start, range)) set({ past: [...past, start].slice(-HISTORY), future: [] });
}

/** The view follows the newest data: the caller says where that is. */
export function followRange(range: TimeRange, home: TimeRange): void {
  set({ range, home, live: true });
}

/** A live view follows its newest sample: one of the whole session grows with it, a closer one slides along. */
export function followNewest(newest: number): void {
  const { range, home, live } = get();
  if (!live || !range || !home) return;
  const end = Math.ceil(newest / 1000) * 1000;
  if (end <= home.to) return;
  const whole = { from: home.from, to: end };
  followRange(sameRange(range, home) ? whole : endingAt(range, end), whole);
}

/** Follow the newest data, or stay here. */
export function switchLive(): void {
  set({ live: !get().live });
}

export function resetRange(): void {
  const { home } = get();
  if (home) showRange(home);
}

export function stepBack(): void {
  const { past, range, future } = get();
  const last = past.at(-1);
  if (last && range) set({ range: last, past: past.slice(0, -1), future: [range, ...future], live: false });
}

export function stepForward(): void {
  const { past, range, future } = get();
  const next = future[0];
  if (next && range) set({ range: next, past: [...past, range], future: future.slice(1), live: false });
}

/** Put a signal into another panel; null: back to the one of its unit. */
export function placeSignal(key: SignalKey, panel: string | null): void {
  const others = Object.entries(get().placed).filter(([other]) => other !== key);
  set({ placed: Object.fromEntries(panel === null ? others : [...others, [key, panel]]) });
}

/** Set a measuring cursor, as exactly as the visible range lets one point; null takes it away. */
export function setCursor(name: CursorName, instant: number | null): void {
  const { range, cursors } = get();
  const exact = instant === null || range === null ? instant : pointedAt(instant, range);
  if (cursors[name] !== exact) set({ cursors: { ...cursors, [name]: exact } });
}

/** Both cursors within the view, a third of it from either end, to be moved from there. */
export function placeCursors(): void {
  const { range } = get();
  if (!range) return;
  const third = spanOf(range) / 3;
  setCursor("a", range.from + third);
  setCursor("b", range.to - third);
}

export function clearCursors(): void {
  set({ cursors: NO_CURSORS });
}

/** Lay another run over the own one, or take it away again. `origin` is when the own run begins. */
export function toggleRun(run: Run, origin: number): void {
  const { overlay } = get();
  const others = overlay.runs.filter((other) => !sameRun(other, run));
  const runs = others.length < overlay.runs.length ? others : [...others, run].slice(-MAX_RUNS);
  set({ overlay: runs.length === 0 ? NO_OVERLAY : { ...overlay, runs, origin: overlay.origin ?? origin } });
}

export function alignRuns(align: Alignment): void {
  set({ overlay: { ...get().overlay, align } });
}

export function clearRuns(): void {
  set({ overlay: NO_OVERLAY });
}
