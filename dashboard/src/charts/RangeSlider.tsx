/** The whole session small, with the visible range in it: move the window, pull its ends, or press beside it. */

import { useLayoutEffect, useMemo, useRef, type KeyboardEvent, type PointerEvent } from "react";
import type { Trace } from "../api/trace";
import { slotColor } from "../state/palette";
import { spanOf, tidyRange, type TimeRange } from "../state/range";
import { useTheme } from "../state/theme";
import { formatClock, formatDay } from "../state/time";
import { settleRange, showRange, slideRange, useView } from "../state/view";
import { takeDrags } from "./flick";
import { followPointer } from "./follow";
import { AXIS_WIDTH, rightGutter } from "./geometry";
import { paintOverview } from "./overviewPaint";
import { pulled, type Grip } from "./sliderMath";

interface Props {
  /** What the slider is as wide as. */
  readonly extent: TimeRange;
  readonly range: TimeRange;
  /** The signal that is drawn small; undefined while it is not known. */
  readonly trace: Trace | undefined;
  readonly rightAxes: number;
}

/** An arrow key moves by this part of the visible range. */
const STEP = 1 / 10;

export function RangeSlider({ extent, range, trace, rightAxes }: Props) {
  const track = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme((state) => state.theme);
  const slot = useView((view) => (trace ? view.slots[trace.key] : undefined));

  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const paint = (): void => paintOverview(element, trace, extent, slot ?? 0);
    const observer = new ResizeObserver(paint);
    observer.observe(element);
    return () => observer.disconnect();
  }, [trace, extent, slot, theme]);

  useLayoutEffect(() => (track.current ? takeDrags(track.current, "ours") : undefined), []);

  const place = useMemo(() => {
    const fraction = (instant: number): number => Math.min(1, Math.max(0, (instant - extent.from) / spanOf(extent)));
    return { left: `${100 * fraction(range.from)}%`, right: `${100 * (1 - fraction(range.to))}%` };
  }, [extent, range]);

  const pull = (grip: Grip) => (event: PointerEvent<HTMLElement>): void => {
    if (event.button !== 0 || !track.current) return;
    event.preventDefault();
    event.stopPropagation();
    event.currentTarget.focus();
    const { width } = track.current.getBoundingClientRect();
    const from = event.clientX;
    followPointer(
      (next) => slideRange(pulled(range, grip, ((next.clientX - from) / width) * spanOf(extent))),
      () => settleRange(range),
    );
  };

  const press = (grip: Grip) => (event: KeyboardEvent): void => {
    const way = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (way === 0) return;
    event.preventDefault();
    event.stopPropagation();
    showRange(pulled(range, grip, way * STEP * spanOf(range)));
  };

  /** Beside the window: it comes here. */
  const jump = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.button !== 0) return;
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const middle = extent.from + ((event.clientX - left) / width) * spanOf(extent);
    showRange(tidyRange(middle - spanOf(range) / 2, middle + spanOf(range) / 2));
  };

  const grip = (name: Grip, label: string, instant: number) => (
    <span
      className={`slider-grip ${name}`}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={extent.from}
      aria-valuemax={extent.to}
      aria-valuenow={instant}
      aria-valuetext={`${formatDay(instant)} ${formatClock(instant)} UTC`}
      onPointerDown={pull(name)}
      onKeyDown={press(name)}
    />
  );

  return (
    <div className="range-slider" role="group" aria-label="Visible part of the session" style={{ marginLeft: AXIS_WIDTH, marginRight: rightGutter(rightAxes) }}>
      <div className="slider-track" ref={track} onPointerDown={jump}>
        <canvas ref={canvas} style={{ color: slotColor(slot) }} />
        <div className="slider-shade" style={{ left: 0, width: place.left }} />
        <div className="slider-shade" style={{ right: 0, width: place.right }} />
        <div className="slider-window" style={place} onPointerDown={pull("both")}>
          {grip("from", "Start of the visible range", range.from)}
          {grip("to", "End of the visible range", range.to)}
        </div>
      </div>
    </div>
  );
}
