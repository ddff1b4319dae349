/** Every key and gesture of the dashboard in one table: what is pressed, what it does, and how. The help sheet shows it. */

import { useCrosshair } from "../charts/crosshair";
import { runCommand, type Command } from "../state/command";
import type { CursorName } from "../state/cursors";
import { switchGrid } from "../state/display";
import { openHref, pageHref } from "../state/page";
import { panned, zoomed, type TimeRange } from "../state/range";
import { switchTheme } from "../state/theme";
import { clearCursors, placeCursors, resetRange, setCursor, showRange, stepBack, stepForward, switchLive, useView } from "../state/view";

export interface Key {
  /** As `KeyboardEvent.key` names them, arrows as arrows; any one of them will do. */
  readonly keys: readonly string[];
  readonly does: string;
  /** null: another part of the page listens to it, or it is a gesture. */
  readonly run: (() => void) | null;
}

export interface KeyGroup {
  readonly title: string;
  readonly keys: readonly Key[];
}

const move = (change: (range: TimeRange) => TimeRange) => (): void => {
  const { range } = useView.getState();
  if (range) showRange(change(range));
};

/** At the crosshair, or in the middle of the view when the pointer is in no panel. */
const measureAt = (name: CursorName) => (): void => {
  const { range } = useView.getState();
  setCursor(name, useCrosshair.getState().time ?? (range && (range.from + range.to) / 2));
};

const command = (name: Command) => (): void => runCommand(name);

export const KEY_GROUPS: readonly KeyGroup[] = [
  {
    title: "Time",
    keys: [
      { keys: ["h", "←"], does: "earlier", run: move((range) => panned(range, -0.5)) },
      { keys: ["l", "→"], does: "later", run: move((range) => panned(range, 0.5)) },
      { keys: ["+"], does: "zoom in", run: move((range) => zoomed(range, 0.5)) },
      { keys: ["-"], does: "zoom out", run: move((range) => zoomed(range, 2)) },
      { keys: ["f"], does: "reset the zoom", run: resetRange },
      { keys: ["["], does: "back to the range before", run: stepBack },
      { keys: ["]"], does: "forward again", run: stepForward },
      { keys: ["t"], does: "follow the newest data, or stop", run: switchLive },
    ],
  },
  {
    title: "Measuring",
    keys: [
      { keys: ["a"], does: "set cursor A", run: measureAt("a") },
      { keys: ["b"], does: "set cursor B", run: measureAt("b") },
      { keys: ["m"], does: "set both cursors in the view", run: placeCursors },
      { keys: ["x"], does: "remove both cursors", run: clearCursors },
    ],
  },
  {
    title: "Sessions and events",
    keys: [
      { keys: ["n"], does: "next session", run: command("next session") },
      { keys: ["p"], does: "previous session", run: command("previous session") },
      { keys: ["e"], does: "next event", run: command("next event") },
      { keys: ["E"], does: "previous event", run: command("previous event") },
      { keys: ["d"], does: "choose a day", run: command("calendar") },
    ],
  },
  {
    title: "Pages and lists",
    keys: [
      { keys: ["v"], does: "choose a vehicle", run: command("vehicles") },
      { keys: ["/"], does: "find a signal", run: command("search") },
      { keys: ["1"], does: "signals", run: command("signals tab") },
      { keys: ["2"], does: "events", run: command("events tab") },
      { keys: ["3"], does: "overlays", run: command("overlay tab") },
      { keys: ["↑", "↓"], does: "move in a list, a tree or the calendar", run: null },
      { keys: ["*"], does: "mark the signal in focus as a favourite", run: null },
      { keys: ["g"], does: "charts", run: () => openHref(pageHref("charts")) },
      { keys: ["G"], does: "fleet", run: () => openHref(pageHref("fleet")) },
      { keys: ["#"], does: "the grid, shown or not", run: switchGrid },
      { keys: ["c"], does: "light or dark", run: switchTheme },
      { keys: ["?"], does: "this sheet", run: command("help") },
      { keys: ["Esc"], does: "close what is open", run: null },
    ],
  },
  {
    title: "Mouse, in a chart",
    keys: [
      { keys: ["Drag"], does: "zoom to a range", run: null },
      { keys: ["Double-click"], does: "reset the zoom", run: null },
      { keys: ["Shift + drag"], does: "move along in time", run: null },
      { keys: ["Ctrl + wheel"], does: "zoom around the pointer", run: null },
    ],
  },
  {
    title: "Fingers, in a chart",
    keys: [
      { keys: ["One finger"], does: "moves along in time, or a cursor", run: null },
      { keys: ["Two fingers"], does: "zoom", run: null },
      { keys: ["Tap twice"], does: "reset the zoom", run: null },
    ],
  },
];

const NAMES: Readonly<Record<string, string>> = { ArrowLeft: "←", ArrowRight: "→", "=": "+" };

const RUNS: ReadonlyMap<string, () => void> = new Map(
  KEY_GROUPS.flatMap(({ keys }) => keys.flatMap(({ keys: names, run }) => (run ? names.map((name) => [name, run] as const) : []))),
);

/** What the key of an event does, if anything. */
export function keyRun(key: string): (() => void) | undefined {
  return RUNS.get(NAMES[key] ?? key);
}
