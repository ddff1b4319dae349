/** Signals whose values have names, as strips: one row each, a field for as long as a value holds, its name in it. */

import type uPlot from "uplot";
import { formatValue } from "../state/number";
import { SLOTS } from "../state/palette";
import type { Aligned } from "./align";
import { cssColor, faded } from "./color";

/** Names by the value as text. */
export type Choices = Readonly<Record<string, string>>;

/** What a value is called, else the value itself. */
export function textOf(value: number | null | undefined, choices: Choices | null): string {
  const name = value === null || value === undefined ? undefined : choices?.[String(value)];
  return name ?? formatValue(value);
}

/** A stretch in which a value held. */
export interface Hold {
  readonly value: number;
  readonly from: number;
  /** When the next value was there, or the last sample of this one where the recording paused or ended. */
  readonly to: number;
}

/** The stretches of a column; null parts them, undefined is no sample. */
export function holdsOf(times: ArrayLike<number>, values: readonly (number | null | undefined)[]): Hold[] {
  const holds: Hold[] = [];
  let value: number | null = null;
  let from = 0;
  let to = 0;
  const close = (end: number): void => {
    if (value !== null) holds.push({ value, from, to: end });
  };
  values.forEach((next, i) => {
    const at = times[i] ?? 0;
    if (next === undefined) return;
    if (next !== value) {
      close(next === null ? to : at);
      value = next;
      from = at;
    }
    to = at;
  });
  close(to);
  return holds;
}

/** Rows from the top down, each one unit high. */
export function stripScale(rows: number): uPlot.Scale {
  return { auto: false, range: [0, rows] };
}

/** The names of the signals beside their rows, as far as there is room. */
export function stripAxis(axis: uPlot.Axis, labels: readonly string[]): uPlot.Axis {
  const names = labels.map((label) => {
    const [name = "", run] = label.slice(label.indexOf(".") + 1).split(" · ");
    // below its own run: when the other one began tells them apart
    return run === undefined ? name : `↳ ${run.slice(-5)}`;
  });
  return {
    ...axis,
    grid: { show: false },
    splits: () => names.map((_, row) => names.length - row - 0.5),
    values: () => names.map((name) => (name.length > ROOM ? `${name.slice(0, ROOM - 1)}…` : name)),
  };
}

const ROOM = 10;
const MARGIN = 3;

/** A hook of uPlot: draws all rows. */
export function drawStrips(chart: uPlot, lines: readonly { readonly choices: Choices | null }[]): void {
  const { ctx, bbox } = chart;
  const height = bbox.height / lines.length;
  const [times, ...columns] = chart.data as Aligned;
  const unit = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * unit}px Inter, system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  lines.forEach(({ choices }, row) => {
    const top = bbox.top + row * height + MARGIN * unit;
    for (const { value, from, to } of holdsOf(times, columns[row] ?? [])) {
      const left = Math.max(chart.valToPos(from, "x", true), bbox.left);
      const right = Math.min(chart.valToPos(to, "x", true), bbox.left + bbox.width);
      if (right < bbox.left || left > bbox.left + bbox.width) continue;
      drawHold(ctx, { left, top, width: Math.max(right - left, unit), height: height - 2 * MARGIN * unit }, value, textOf(value, choices));
    }
  });
  ctx.restore();
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function drawHold(ctx: CanvasRenderingContext2D, { left, top, width, height }: Box, value: number, text: string): void {
  const color = `--series-${1 + (((Math.round(value) % SLOTS) + SLOTS) % SLOTS)}`;
  ctx.fillStyle = faded(color, "55");
  ctx.fillRect(left, top, width, height);
  ctx.fillStyle = cssColor(color);
  ctx.fillRect(left, top, Math.min(width, devicePixelRatio), height);
  const room = 8 * devicePixelRatio;
  if (ctx.measureText(text).width + room > width) return;
  ctx.fillStyle = cssColor("--text");
  ctx.fillText(text, left + room / 2, top + height / 2);
}
