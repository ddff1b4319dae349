/**
 * What fingers do inside a panel: one moves along in time, two stretch it, one on a measuring cursor moves that, two taps
 * reset. Up and down is for the page to scroll.
 */

import type uPlot from "uplot";
import type { CursorName } from "../state/cursors";
import { tidyRange, type TimeRange } from "../state/range";
import { resetRange, setCursor, settleRange, slideRange, useView } from "../state/view";
import { takeDrags } from "./flick";
import { cursorAt } from "./gestures";
import { held } from "./touchMath";

/** A finger covers more than a pointer: how near to a cursor it takes hold of it, in CSS pixels. */
const GRIP = 22;
/** A finger that is put down trembles. */
const TREMBLE = 6;
const TWO_TAPS_MS = 350;

interface Finger {
  /** Where it was when the gesture began, or when a finger was added or taken away. */
  readonly from: number;
  at: number;
}

export function listenToTouch(chart: uPlot): void {
  const fingers = new Map<number, Finger>();
  let start: TimeRange | null = null;
  let base: TimeRange | null = null;
  let cursor: CursorName | null = null;
  let moved = false;
  let tapped = -Infinity;

  const at = (event: PointerEvent): number => event.clientX - chart.over.getBoundingClientRect().left;
  /** From here on distances are counted anew. */
  const rebase = (): void => {
    base = useView.getState().range;
    for (const [id, finger] of fingers) fingers.set(id, { from: finger.at, at: finger.at });
  };

  const down = (event: PointerEvent): void => {
    if (event.pointerType !== "touch") return;
    if (fingers.size === 0) {
      start = useView.getState().range;
      moved = false;
      cursor = cursorAt(chart, at(event), GRIP);
    } else cursor = null;
    fingers.set(event.pointerId, { from: at(event), at: at(event) });
    rebase();
  };

  const move = (event: PointerEvent): void => {
    const finger = fingers.get(event.pointerId);
    if (!finger || !base) return;
    finger.at = at(event);
    if (!moved && fingers.size === 1 && Math.abs(finger.at - finger.from) < TREMBLE) return;
    moved = true;
    const { clientWidth: width } = chart.over;
    if (cursor) setCursor(cursor, chart.posToVal(Math.min(Math.max(finger.at, 0), width), "x"));
    else {
      const range = held(base, [...fingers.values()].map(({ from, at: now }) => ({ from: from / width, to: now / width })));
      slideRange(tidyRange(range.from, range.to));
    }
  };

  const end = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size > 0) {
      rebase();
      return;
    }
    if (moved && start && !cursor) settleRange(start);
    if (moved || event.type === "pointercancel") return;
    if (event.timeStamp - tapped < TWO_TAPS_MS) resetRange();
    tapped = event.timeStamp;
  };

  takeDrags(chart.over, "scroll");
  chart.over.addEventListener("pointerdown", down);
  chart.over.addEventListener("pointermove", move);
  chart.over.addEventListener("pointerup", end);
  chart.over.addEventListener("pointercancel", end);
}
