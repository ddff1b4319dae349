/** Dark or light: an attribute of the document, remembered by the browser. */

import { create } from "zustand";
import { readStored, writeStored } from "./stored";

export type Theme = "dark" | "light";

const NAME = "theme";

export const useTheme = create<{ theme: Theme }>()(() => ({ theme: "dark" }));

/** What this person likes from now on. */
export function switchTheme(): void {
  const theme = useTheme.getState().theme === "dark" ? "light" : "dark";
  writeStored(NAME, theme);
  showTheme(theme);
}

/** For this page only: a link shows what its sender saw, and does not change what its reader likes. */
export function showTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  useTheme.setState({ theme });
}

export function restoreTheme(): void {
  showTheme(readStored(NAME) === "light" ? "light" : "dark");
}
