/** What mouse and wheel do inside a panel: drag zooms, shift and drag pans, ctrl and wheel zooms around the pointer. */

import type uPlot from "uplot";
import { spanOf, tidyRange, zoomed, type TimeRange } from "../state/range";
import { resetRange, settleRange, showRange, slideRange, useView } from "../state/view";

const WHEEL_STEP = 1.25;
const WHEEL_REST_MS = 250;

/** uPlot's own handlers, except where a gesture of ours takes the event. */
export const bindings: NonNullable<uPlot.Cursor["bind"]> = {
  mousedown: (chart, _target, handler) => (event) => {
    if (event.button !== 0) return null;
    if (event.shiftKey) startPan(chart, event);
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

function startPan(chart: uPlot, down: MouseEvent): void {
  const start = useView.getState().range;
  if (!start) return;
  const perPixel = spanOf(start) / chart.over.clientWidth;
  const move = (event: MouseEvent): void => {
    const shift = (down.clientX - event.clientX) * perPixel;
    slideRange(tidyRange(start.from + shift, start.to + shift));
  };
  const up = (): void => {
    window.removeEventListener("mousemove", move);
    document.body.classList.remove("panning");
    settleRange(start);
  };
  document.body.classList.add("panning");
  window.addEventListener("mousemove", move);
  window.addEventListener("mouseup", up, { once: true });
}

/** Keep the pointer while a button is down: a drag that leaves the panel goes on, and ends at its borders. */
export function capturePointer(chart: uPlot): void {
  chart.over.addEventListener("pointerdown", (event) => {
    if (event.button === 0) chart.over.setPointerCapture(event.pointerId);
  });
}

/** uPlot's own mark for a pointer that is in no panel. */
const AWAY = -10;

/** Where uPlot takes the pointer to be: within the panel while a drag goes beyond it. */
export function withinPanel(chart: uPlot, left: number, top: number): [number, number] {
  if (left === AWAY) return [left, top];
  const { clientWidth, clientHeight } = chart.over;
  return [Math.min(Math.max(left, 0), clientWidth), Math.min(Math.max(top, 0), clientHeight)];
}

/** Ctrl and wheel. One turn of the wheel is one step of the history. */
export function listenToWheel(chart: uPlot): void {
  let start: TimeRange | null = null;
  let rest = 0;
  chart.over.addEventListener(
    "wheel",
    (event) => {
      const { range } = useView.getState();
      if (!(event.ctrlKey || event.metaKey) || !range) return;
      event.preventDefault();
      start ??= range;
      slideRange(zoomed(range, event.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP, event.offsetX / chart.over.clientWidth));
      window.clearTimeout(rest);
      rest = window.setTimeout(() => {
        if (start) settleRange(start);
        start = null;
      }, WHEEL_REST_MS);
    },
    { passive: false },
  );
}
