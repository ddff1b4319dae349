/** Walking through a tree of rows with the arrow keys; a row is whatever in it carries `data-row`. */

import type { KeyboardEvent } from "react";
import { toggleFavourite } from "../state/favourites";

export function walkTree(event: KeyboardEvent<HTMLElement>): void {
  const here = event.target;
  if (!(here instanceof HTMLElement) || here.dataset.row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.indexOf(here);
  const open = here.closest('[role="treeitem"]')?.getAttribute("aria-expanded");
  let next: HTMLElement | undefined;
  switch (event.key) {
    case "ArrowDown": next = rows[at + 1]; break;
    case "ArrowUp": next = rows[at - 1]; break;
    case "Home": next = rows[0]; break;
    case "End": next = rows.at(-1); break;
    case "ArrowRight":
      if (open === "false") here.click();
      else next = rows[at + 1];
      break;
    case "ArrowLeft":
      if (open === "true") here.click();
      else next = here.closest('[role="group"]')?.parentElement?.querySelector<HTMLElement>("[data-row]") ?? undefined;
      break;
    case "*":
      if (here.dataset.signal !== undefined) toggleFavourite(here.dataset.signal);
      break;
    default:
      return;
  }
  event.preventDefault();
  next?.focus();
}
