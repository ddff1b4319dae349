/** Closes what floats above the page: by Escape, or by pressing elsewhere. */

import { useEffect, useRef, type RefObject } from "react";

export function useDismiss(root: RefObject<HTMLElement | null>, open: boolean, close: () => void): void {
  const latest = useRef(close);
  useEffect(() => {
    latest.current = close;
  });
  useEffect(() => {
    if (!open) return;
    const press = (event: PointerEvent): void => {
      if (!root.current?.contains(event.target as Node)) latest.current();
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key === "Escape") latest.current();
    };
    document.addEventListener("pointerdown", press);
    document.addEventListener("keydown", key);
    return () => {
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("keydown", key);
    };
  }, [root, open]);
}
