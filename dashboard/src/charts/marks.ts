/** What stands in a panel besides lines: measuring cursors and the events of rules, drawn into the picture itself. */

import type uPlot from "uplot";
import { CURSORS } from "../state/cursors";
import { SEVERITIES, type RuleEvent, type Severity } from "../state/event";
import { useView } from "../state/view";
import { cssColor, faded } from "./color";

export const SEVERITY_COLOR: Readonly<Record<Severity, string>> = { critical: "--bad", warning: "--warn", info: "--accent" };

let events: readonly RuleEvent[] = [];

/** Events to mark from now on; charts show them when they are drawn next. */
export function markEvents(found: readonly RuleEvent[]): void {
  events = found;
}

/** A hook of uPlot: after the lines, on top of them. */
export function drawMarks(chart: uPlot): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  // the most urgent last: on top
  for (const severity of [...SEVERITIES].reverse()) {
    for (const event of events) if (event.severity === severity) drawEvent(chart, event);
  }
  for (const name of CURSORS) {
    const instant = useView.getState().cursors[name];
    if (instant !== null) drawCursor(chart, name.toUpperCase(), instant);
  }
  ctx.restore();
}

function drawEvent(chart: uPlot, { severity, range }: RuleEvent): void {
  const { ctx, bbox } = chart;
  const left = chart.valToPos(range.from, "x", true);
  const right = chart.valToPos(range.to, "x", true);
  if (right < bbox.left || left > bbox.left + bbox.width) return;
  ctx.fillStyle = faded(SEVERITY_COLOR[severity], "30");
  ctx.fillRect(left, bbox.top, Math.max(right - left, 1), bbox.height);
  ctx.fillStyle = cssColor(SEVERITY_COLOR[severity]);
  ctx.fillRect(Math.round(left), bbox.top, devicePixelRatio, bbox.height);
}

function drawCursor(chart: uPlot, label: string, instant: number): void {
  const { ctx, bbox } = chart;
  const x = Math.round(chart.valToPos(instant, "x", true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  const unit = devicePixelRatio;
  ctx.fillStyle = cssColor("--text");
  ctx.fillRect(x, bbox.top, unit, bbox.height);
  // the flag stays within the panel
  const flag = 14 * unit;
  const left = Math.min(x, bbox.left + bbox.width - flag);
  ctx.fillRect(left, bbox.top, flag, flag);
  ctx.fillStyle = cssColor("--surface");
  ctx.font = `700 ${10 * unit}px Inter, system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(label, left + flag / 2, bbox.top + flag / 2 + unit / 2);
}
