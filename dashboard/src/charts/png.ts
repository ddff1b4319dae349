/** A panel as a picture that explains itself: title, legend, chart, range. */

import type uPlot from "uplot";
import { cssColor } from "./options";

const HEAD = 54;
const MARGIN = 16;

export interface Caption {
  readonly title: string;
  readonly subtitle: string;
  readonly entries: readonly { readonly label: string; readonly slot: number }[];
}

export async function panelPicture(chart: uPlot, caption: Caption): Promise<Blob> {
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
  context.scale(scale, scale);
  context.textBaseline = "middle";
  context.fillStyle = cssColor("--text");
  context.font = "600 13px Inter, system-ui, sans-serif";
  context.fillText(caption.title, MARGIN, 18);
  const { width } = context.measureText(caption.title);
  context.fillStyle = cssColor("--text-muted");
  context.font = "12px Inter, system-ui, sans-serif";
  context.fillText(caption.subtitle, MARGIN + width + 12, 18);
  let x = MARGIN;
  for (const { label, slot } of caption.entries) {
    context.fillStyle = cssColor(`--series-${slot + 1}`);
    context.fillRect(x, 37, 12, 3);
    context.fillStyle = cssColor("--text");
    context.fillText(label, x + 18, 39);
    x += context.measureText(label).width + 36;
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("this browser writes no PNG"))), "image/png");
  });
}
