/** Which page is open: its path is the route, so that links, the back button and reloading do what they always do. */

import { create } from "zustand";
import { isoInstant } from "./time";
import type { TimeRange } from "./range";
import type { SignalKey } from "./signal";
import { currentAddress, visit } from "./useAddress";

export type Page = "charts" | "fleet";

export const PATHS: Readonly<Record<Page, string>> = { charts: "/", fleet: "/fleet" };

export const usePage = create<{ page: Page }>()(() => ({ page: "charts" }));

export function pageOf(path: string): Page {
  return path.replace(/\/+$/, "") === PATHS.fleet ? "fleet" : "charts";
}

/** Show the page that the address names, now and whenever the browser goes back or forward. */
export function listenToPath(): void {
  const read = (): void => usePage.setState({ page: pageOf(location.pathname) });
  window.addEventListener("popstate", read);
  read();
}

/** The address of a page with the view as it is. */
export function pageHref(page: Page): string {
  return `${PATHS[page]}${currentAddress()}`;
}

/** The address of a vehicle's charts, of one range and some signals as far as they are said. */
export function chartsHref(vehicle: string, range?: TimeRange, signals?: readonly SignalKey[]): string {
  const parts = [`v=${encodeURIComponent(vehicle)}`];
  if (signals) parts.push(`s=${signals.map(encodeURIComponent).join(",")}`);
  if (range) parts.push(`from=${isoInstant(range.from)}`, `to=${isoInstant(range.to)}`);
  return `${PATHS.charts}?${parts.join("&")}`;
}

/** Open an address of the dashboard without loading it anew. */
export function openHref(href: string): void {
  history.pushState(null, "", href);
  visit(location.search);
  usePage.setState({ page: pageOf(location.pathname) });
}
