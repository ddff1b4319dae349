/** Listens to the keys of `keys`, wherever the focus is except where a key means something else already. */

import { useEffect } from "react";
import { keyRun } from "./keys";

/** Where letters are typed, and a dialog, which is all there is while it is open. */
const BUSY = "input:not([type=checkbox]):not([type=radio]), textarea, select, dialog";

export function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLElement && event.target.closest(BUSY)) return;
      const run = keyRun(event.key);
      if (!run) return;
      event.preventDefault();
      run();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
