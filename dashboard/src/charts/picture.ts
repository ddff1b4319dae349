/** A panel as a picture that explains itself: title, range, legend, lines and both axes, whatever the page leaves out. */

import uPlot from "uplot";
import type { TimeRange } from "../state/range";
import type { Aligned } from "./align";
import { cssColor } from "./color";
import { panelOptions, type PanelShape } from "./options";

const HEAD = 54;
const MARGIN = 16;
const LEAST_HEIGHT = 260;

export interface Caption {
  readonly title: string;
  readonly subtitle: string;
}

/** Draw a panel anew for the picture: with days at its time axis, and high enough to be read. */
export async function panelPicture(
  shape: PanelShape,
  data: Aligned,
  range: TimeRange,
  size: { width: number; height: number },
  caption: Caption,
): Promise<Blob> {
  const chart = await drawnChart({ ...shape, labels: "full" }, data, range, { ...size, height: Math.max(size.height, LEAST_HEIGHT) });
  const source = chart.ctx.canvas;
  const scale = window.devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = source.width;
  canvas.height = source.height + HEAD * scale;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws no canvas");
  context.fillStyle = cssColor("--surface");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, HEAD * scale);
  chart.destroy();
  context.scale(scale, scale);
  writeHead(context, caption, shape);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("this browser writes no PNG"))), "image/png");
  });
}

/** A chart that is on no page, once it is drawn. */
function drawnChart(shape: PanelShape, data: Aligned, range: TimeRange, size: { width: number; height: number }): Promise<uPlot> {
  const options = panelOptions(shape, range, size);
  return new Promise((resolve) => {
    const hooks = { ...options.hooks, ready: [], draw: [...(options.hooks?.draw ?? []), (chart: uPlot) => resolve(chart)] };
    // without the cursor, which would move with those on the page
    new uPlot({ ...options, hooks, cursor: { show: false } }, data, document.createElement("div"));
  });
}

function writeHead(context: CanvasRenderingContext2D, { title, subtitle }: Caption, shape: PanelShape): void {
  context.textBaseline = "middle";
  context.fillStyle = cssColor("--text");
  context.font = "600 13px Inter, system-ui, sans-serif";
  context.fillText(title, MARGIN, 18);
  const { width } = context.measureText(title);
  context.fillStyle = cssColor("--text-muted");
  context.font = "12px Inter, system-ui, sans-serif";
  context.fillText(subtitle, MARGIN + width + 12, 18);
  let x = MARGIN;
  for (const { label, slot, unit } of shape.lines) {
    const text = unit ? `${label} [${unit}]` : label;
    context.fillStyle = cssColor(`--series-${slot + 1}`);
    context.fillRect(x, 37, 12, 3);
    context.fillStyle = cssColor("--text");
    context.fillText(text, x + 18, 39);
    x += context.measureText(text).width + 36;
  }
}
