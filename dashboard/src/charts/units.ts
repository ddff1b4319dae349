/** The unit above each value axis, where a panel has several: the numbers below it are in that unit. */

import type uPlot from "uplot";
import { cssColor } from "./color";
import { AXIS_WIDTH } from "./geometry";
import type { PanelShape } from "./options";

/** Room above the plot for them. */
export const UNIT_HEIGHT = 22;
const GAP = 8;

/** An axis has the colour of its line, if there are several axes and it has one line only. */
export function unitColor({ units, lines }: PanelShape, unit: string): string {
  const [only, ...others] = lines.filter((line) => line.unit === unit);
  return units.length > 1 && only && others.length === 0 ? `--series-${only.slot + 1}` : "--text-muted";
}

/** A hook of uPlot. */
export function drawUnits(chart: uPlot, shape: PanelShape): void {
  const { ctx, bbox } = chart;
  if (shape.strips || shape.units.length < 2) return;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${11 * scale}px Inter, system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  shape.units.forEach((unit, i) => {
    const right = i > 0;
    ctx.textAlign = right ? "left" : "right";
    ctx.fillStyle = cssColor(unitColor(shape, unit));
    const x = right ? bbox.left + bbox.width + ((i - 1) * AXIS_WIDTH + GAP) * scale : bbox.left - GAP * scale;
    ctx.fillText(unit || "no unit", x, bbox.top - (UNIT_HEIGHT / 2 + 3) * scale);
  });
  ctx.restore();
}
