/** Dark or light: an attribute of the document, remembered by the browser. */

import { create } from "zustand";

export type Theme = "dark" | "light";

const STORED = "can-telemetry.theme";

export const useTheme = create<{ theme: Theme }>()(() => ({ theme: "dark" }));

/** What this person likes from now on. */
export function setTheme(theme: Theme): void {
  localStorage.setItem(STORED, theme);
  showTheme(theme);
}

/** For this page only: a link shows what its sender saw, and does not change what its reader likes. */
export function showTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  useTheme.setState({ theme });
}

export function restoreTheme(): void {
  showTheme(localStorage.getItem(STORED) === "light" ? "light" : "dark");
}
