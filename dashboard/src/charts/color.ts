/** Colours of the style sheet for a canvas, which knows no variables. */

/** A CSS variable of the document. */
export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The same, let through: `#rrggbb` with an alpha of a quarter. */
export function faded(name: string, alpha = "40"): string {
  return `${cssColor(name)}${alpha}`;
}
