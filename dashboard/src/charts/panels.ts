/** Which lines share a panel: those of the same unit, in the order in which units first appear, unless they were moved. */

import type { Placement } from "../state/placement";
import type { SignalKey } from "../state/signal";
import type { Line } from "./lines";

/** The panel of signals whose values have names: strips instead of lines, unless a number is moved among them. */
export const STATES = "states";

export interface PanelModel {
  /** A unit, or the name of a panel that somebody made. */
  readonly id: string;
  readonly title: string;
  /** Each has an axis; the first one's is at the left. */
  readonly units: readonly string[];
  readonly lines: readonly Line[];
  /** Drawn as strips of named states. */
  readonly strips: boolean;
}

/** Where a line stands when nobody moved it. */
export function homeOf({ trace }: Line): string {
  return trace.choices === null ? trace.unit : STATES;
}

export function panelsOf(lines: readonly Line[], placed: Placement): PanelModel[] {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const id = placed[line.key] ?? homeOf(line);
    const group = groups.get(id);
    if (group) group.push(line);
    else groups.set(id, [line]);
  }
  return [...groups].map(([id, members]) => {
    const units = [...new Set(members.map(({ trace }) => trace.unit))];
    const strips = id === STATES && members.every(({ trace }) => trace.choices !== null);
    const title = strips ? "States" : units.map((unit) => unit || "no unit").join(", ");
    return { id, title, units: strips ? [""] : units, lines: members, strips };
  });
}

/** The panel that a signal stands in. */
export function panelOf(panels: readonly PanelModel[], signal: SignalKey): PanelModel | undefined {
  return panels.find(({ lines }) => lines.some(({ key }) => key === signal));
}

/** The panel above (-1) or below (1) the one that a signal stands in, going round; null: a new one, after the last. */
export function panelBeside(panels: readonly PanelModel[], signal: SignalKey, step: 1 | -1): string | null {
  const here = panelOf(panels, signal);
  const alone = here?.lines.every(({ key }) => key === signal) ?? false;
  // what stands alone gains nothing from a new panel
  const stops = [...panels.map(({ id }) => id), ...(alone ? [] : [null])];
  const at = here ? stops.indexOf(here.id) : 0;
  return stops[(at + step + stops.length) % stops.length] ?? null;
}
