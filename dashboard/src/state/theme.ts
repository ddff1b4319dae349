/** Dark or light: an attribute of the document, remembered by the browser. */

import { create } from "zustand";

export type Theme = "dark" | "light";

const STORED = "can-telemetry.theme";

export const useTheme = create<{ theme: Theme }>()(() => ({ theme: "dark" }));

export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(STORED, theme);
  useTheme.setState({ theme });
}

export function restoreTheme(): void {
  setTheme(localStorage.getItem(STORED) === "light" ? "light" : "dark");
}
