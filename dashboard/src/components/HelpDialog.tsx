/** Keys and gestures, on one card. */

import { useEffect, useRef } from "react";
import { KEYS } from "./useKeys";
import { IconButton } from "./IconButton";

const GESTURES: readonly (readonly [string, string])[] = [
  ["Drag", "zoom to a range"],
  ["Double-click", "reset the zoom"],
  ["Shift + drag", "pan"],
  ["Ctrl + wheel", "zoom around the pointer"],
];

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog className="help" ref={dialog} aria-label="Keys and gestures" onClose={onClose}>
      <header>
        <h2>Keys and gestures</h2>
        <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
      </header>
      <dl>
        {[...GESTURES, ...KEYS.map(({ keys, does }) => [keys.join("  "), does] as const)].map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
