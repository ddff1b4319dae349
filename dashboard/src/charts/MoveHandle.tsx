/** Moves a signal between panels: dragged onto one with the mouse, by arrow keys, or by a tap to the next one. */

import type { DragEvent, KeyboardEvent } from "react";
import { freshPanel } from "../state/placement";
import type { SignalKey } from "../state/signal";
import { placeSignal } from "../state/view";
import { homeOf, panelBeside, panelOf, type PanelModel } from "./panels";

/** What a drag carries. */
const SIGNAL_TYPE = "application/x-telemetry-signal";

interface Props {
  readonly signal: SignalKey;
  readonly panels: readonly PanelModel[];
}

export function MoveHandle({ signal, panels }: Props) {
  const move = (step: 1 | -1): void => putInto(signal, panelBeside(panels, signal, step), panels);
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : null;
    if (step === null) return;
    event.preventDefault();
    move(step);
  };
  return (
    <button
      type="button"
      className="legend-move"
      aria-label={`Move ${signal} to another panel`}
      title="Drag onto another panel, or press ↑ or ↓"
      draggable
      onDragStart={(event) => {
        event.dataTransfer.setData(SIGNAL_TYPE, signal);
        event.dataTransfer.effectAllowed = "move";
        // browsers give up a drag during whose beginning the page changes
        setTimeout(() => document.body.classList.add("moving-signal"));
        for (const end of ["drop", "dragend"]) window.addEventListener(end, stopMoving, { once: true });
      }}
      onClick={() => move(1)}
      onKeyDown={press}
    >
      ⠿
    </button>
  );
}

/** A handle that was dropped into another panel is made anew there: it never hears that its drag has ended. */
const stopMoving = (): void => document.body.classList.remove("moving-signal");

/** Whether what is dragged is a signal: nothing else is for a panel to take. */
export function carriesSignal({ dataTransfer }: DragEvent): boolean {
  return dataTransfer.types.includes(SIGNAL_TYPE);
}

/** Put the signal that was dropped into a panel; null: one of its own. */
export function dropInto(event: DragEvent, panel: string | null, panels: readonly PanelModel[]): void {
  if (!carriesSignal(event)) return;
  event.preventDefault();
  putInto(event.dataTransfer.getData(SIGNAL_TYPE), panel, panels);
}

function putInto(signal: SignalKey, panel: string | null, panels: readonly PanelModel[]): void {
  const line = panelOf(panels, signal)?.lines.find(({ key }) => key === signal);
  if (!line) return;
  const target = panel ?? freshPanel(panels.map(({ id }) => id));
  placeSignal(signal, target === homeOf(line) ? null : target);
}
