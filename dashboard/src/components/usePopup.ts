/** What a button opens over the page: closed by Escape or by pressing elsewhere, and the focus returns to the button. */

import { useEffect, useState, type RefObject } from "react";

/**
 * @param root Holds the button and what it opens.
 * @param button Where the focus goes that was in what closes.
 * @returns Whether it is open, and how to open or close it.
 */
export function usePopup(root: RefObject<HTMLElement | null>, button: RefObject<HTMLElement | null>): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (!open) return;
    const held = button.current;
    const press = (event: PointerEvent): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key === "Escape") setOpen(false);
    };
    document.addEventListener("pointerdown", press);
    document.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("keydown", key);
      // what had the focus is gone: the next Tab begins at the button, not at the top of the page
      if (document.activeElement === document.body) held?.focus();
    };
  }, [root, button, open]);
  return [open, setOpen];
}
