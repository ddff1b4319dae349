/**
 * What mouse and wheel do inside a panel: drag zooms, drag of a measuring cursor moves it, shift and drag pans, ctrl and
 * wheel zooms around the pointer, shift and wheel pans.
 */

import type uPlot from "uplot";
import { CURSORS, type CursorName } from "../state/cursors";
import { panned, spanOf, tidyRange, zoomed, type TimeRange } from "../state/range";
import { resetRange, setCursor, settleRange, showRange, slideRange, useView } from "../state/view";

const WHEEL_STEP = 1.25;
const WHEEL_PAN = 0.1;
const WHEEL_REST_MS = 250;

/** How near to a cursor the pointer takes hold of it, in CSS pixels. */
const GRIP = 5;

/** uPlot's own handlers, except where a gesture of ours takes the event. */
export const bindings: NonNullable<uPlot.Cursor["bind"]> = {
  mousedown: (chart, _target, handler) => (event) => {
    if (event.button !== 0) return null;
    const held = cursorAt(chart, event.offsetX);
    if (event.shiftKey) startPan(chart, event);
    else if (held) moveCursor(chart, held);
    else handler(event);
    return null;
  },
  dblclick: () => () => {
    resetRange();
    return null;
  },
};

/** A finished selection becomes the visible range. Synced panels report the same one: it counts once. */
export function zoomToSelection(chart: uPlot): void {
  const { left, width } = chart.select;
  if (width <= 0) return;
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  showRange(tidyRange(chart.posToVal(left, "x"), chart.posToVal(left + width, "x")));
}

/** The measuring cursor within `grip` CSS pixels of a place, if any. */
export function cursorAt(chart: uPlot, left: number, grip = GRIP): CursorName | null {
  const { cursors } = useView.getState();
  const near = (name: CursorName): boolean => {
    const instant = cursors[name];
    return instant !== null && Math.abs(chart.valToPos(instant, "x") - left) <= grip;
  };
  return CURSORS.find(near) ?? null;
}

/** Follow the mouse until the button is let go. */
function follow(gesture: string, move: (event: MouseEvent) => void, end?: () => void): void {
  const up = (): void => {
    window.removeEventListener("mousemove", move);
    document.body.classList.remove(gesture);
    end?.();
  };
  document.body.classList.add(gesture);
  window.addEventListener("mousemove", move);
  window.addEventListener("mouseup", up, { once: true });
}

function moveCursor(chart: uPlot, name: CursorName): void {
  follow("moving-cursor", (event) => {
    const { left, width } = chart.over.getBoundingClientRect();
    setCursor(name, chart.posToVal(Math.min(Math.max(event.clientX - left, 0), width), "x"));
  });
}

function startPan(chart: uPlot, down: MouseEvent): void {
  const start = useView.getState().range;
  if (!start) return;
  const perPixel = spanOf(start) / chart.over.clientWidth;
  follow(
    "panning",
    (event) => {
      const shift = (down.clientX - event.clientX) * perPixel;
      slideRange(tidyRange(start.from + shift, start.to + shift));
    },
    () => settleRange(start),
  );
}

/** Keep the pointer while a button is down: a drag that leaves the panel goes on, and ends at its borders. */
export function capturePointer(chart: uPlot): void {
  chart.over.addEventListener("pointerdown", (event) => {
    if (event.button === 0) chart.over.setPointerCapture(event.pointerId);
  });
  chart.over.addEventListener("pointermove", (event) => {
    chart.over.classList.toggle("at-cursor", event.buttons === 0 && cursorAt(chart, event.offsetX) !== null);
  });
}

/** uPlot's own mark for a pointer that is in no panel. */
const AWAY = -10;

/** Where uPlot takes the pointer to be: within the panel while a drag goes beyond it. */
export function withinPanel(chart: uPlot, left: number, top: number): [number, number] {
  if (left === AWAY) return [left, top];
  // not the element's own size: asking for it lays out the page, with every move of the pointer
  const { width, height } = chart.bbox;
  return [Math.min(Math.max(left, 0), width / devicePixelRatio), Math.min(Math.max(top, 0), height / devicePixelRatio)];
}

/** Ctrl, shift and sideways wheels. Turns that follow each other quickly are one step of the history. */
export function listenToWheel(chart: uPlot): void {
  let last: TimeRange | null = null;
  let rest = 0;
  chart.over.addEventListener(
    "wheel",
    (event) => {
      const { range } = useView.getState();
      const next = range && turned(range, event, event.offsetX / chart.over.clientWidth);
      if (!next) return;
      event.preventDefault();
      if (range === last) slideRange(next);
      else showRange(next);
      last = useView.getState().range;
      window.clearTimeout(rest);
      rest = window.setTimeout(() => (last = null), WHEEL_REST_MS);
    },
    { passive: false },
  );
}

/** What a turn of the wheel makes of a range; null: it is for the page to scroll. */
function turned(range: TimeRange, event: WheelEvent, at: number): TimeRange | null {
  if (event.ctrlKey || event.metaKey) return zoomed(range, event.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP, at);
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
  return sideways === 0 ? null : panned(range, Math.sign(sideways) * WHEEL_PAN);
}
