/** What the keyboard does, wherever the focus is except in a text field. */

import { useEffect } from "react";
import { panned, zoomed, type TimeRange } from "../state/range";
import { resetRange, showRange, stepBack, stepForward, useView } from "../state/view";
import { SEARCH_ID } from "./SignalTree";

interface Key {
  readonly keys: readonly string[];
  readonly does: string;
  readonly run: () => void;
}

const move = (change: (range: TimeRange) => TimeRange) => (): void => {
  const { range } = useView.getState();
  if (range) showRange(change(range));
};

export const KEYS: readonly Key[] = [
  { keys: ["h", "←"], does: "earlier", run: move((range) => panned(range, -0.5)) },
  { keys: ["l", "→"], does: "later", run: move((range) => panned(range, 0.5)) },
  { keys: ["+"], does: "zoom in", run: move((range) => zoomed(range, 0.5)) },
  { keys: ["-"], does: "zoom out", run: move((range) => zoomed(range, 2)) },
  { keys: ["f"], does: "reset the zoom", run: resetRange },
  { keys: ["["], does: "back to the range before", run: stepBack },
  { keys: ["]"], does: "forward again", run: stepForward },
  { keys: ["/"], does: "find a signal", run: () => document.getElementById(SEARCH_ID)?.focus() },
];

const NAMES: Readonly<Record<string, string>> = { ArrowLeft: "←", ArrowRight: "→", "=": "+" };

/** `onHelp` opens the card that lists all this. */
export function useKeys(onHelp: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLElement && event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
      const name = NAMES[event.key] ?? event.key;
      const run = name === "?" ? onHelp : KEYS.find(({ keys }) => keys.includes(name))?.run;
      if (!run) return;
      event.preventDefault();
      run();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [onHelp]);
}
