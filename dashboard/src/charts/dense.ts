/**
 * Lines of many more samples than pixels. Of each column of pixels the lowest and the highest value are drawn, so that no
 * spike is lost, in one pass and with two points: that is what a pan of 8 × 100,000 samples has time for.
 */

import uPlot from "uplot";

/** What a line is drawn with: of a canvas' paths as much as it takes. */
export type Pen = Pick<Path2D, "moveTo" | "lineTo">;

/** Where times and values are, in pixels of the canvas: `x = left + (t - from) * perTime`, `y = bottom - (v - low) * perValue`. */
export interface Frame {
  readonly left: number;
  readonly from: number;
  readonly perTime: number;
  readonly bottom: number;
  readonly low: number;
  readonly perValue: number;
}

type Values = ArrayLike<number | null | undefined>;

/** Samples per pixel from which on a line is drawn by columns: with fewer, each sample is. */
const DENSE = 4;

const each = uPlot.paths.linear?.() ?? (() => null);

/** How uPlot is to draw a line. */
export const linePaths: uPlot.Series.PathBuilder = (chart, series, first, last) => {
  const { bbox, data, scales } = chart;
  const scale = scales[chart.series[series]?.scale ?? ""];
  const { min: from, max: to } = scales.x ?? {};
  if (from == null || to == null || scale?.min == null || scale.max == null || last - first < DENSE * bbox.width) {
    return each(chart, series, first, last);
  }
  const stroke = new Path2D();
  drawColumns(stroke, data[0], data[series] ?? [], first, last, {
    left: bbox.left,
    from,
    perTime: bbox.width / (to - from),
    bottom: bbox.top + bbox.height,
    low: scale.min,
    perValue: bbox.height / (scale.max - scale.min),
  });
  // gaps are left out of the stroke itself: nothing is to be clipped
  return { stroke, fill: null, clip: null, band: null };
};

/** Draw the samples from `first` to `last`: null parts the line, undefined is no sample. `times` ascend. */
export function drawColumns(pen: Pen, times: ArrayLike<number>, values: Values, first: number, last: number, frame: Frame): void {
  const { left, from, perTime, bottom, low, perValue } = frame;
  let [x, end] = [0, -Infinity];
  let [least, most] = [Infinity, -Infinity];
  let [parted, y] = [true, 0];

  const finish = (): void => {
    if (least > most) return;
    const below = Math.round(bottom - (least - low) * perValue);
    const above = Math.round(bottom - (most - low) * perValue);
    if (parted) {
      pen.moveTo(x, below);
      // a sample between two gaps is a dot
      pen.lineTo(below === above ? x + 1 : x, above);
      y = above;
    } else {
      // the nearer end first: what joins two columns then lies within what they span
      const up = Math.abs(y - below) <= Math.abs(y - above);
      pen.lineTo(x, up ? below : above);
      y = up ? above : below;
      if (below !== above) pen.lineTo(x, y);
    }
    parted = false;
    [least, most] = [Infinity, -Infinity];
  };

  for (let i = first; i <= last; i++) {
    const value = values[i];
    if (value === undefined) continue;
    if (value === null) {
      finish();
      parted = true;
      end = -Infinity;
      continue;
    }
    const time = times[i] ?? 0;
    if (time >= end) {
      finish();
      x = Math.round(left + (time - from) * perTime);
      end = from + (x + 0.5 - left) / perTime;
      least = most = value;
    } else if (value < least) least = value;
    else if (value > most) most = value;
  }
  finish();
}
