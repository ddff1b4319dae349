/** Keeps the URL and the view the same: a link shows exactly what its sender saw. */

import { useEffect } from "react";
import { showTheme, useTheme } from "./theme";
import { readAddress, writeAddress } from "./url";
import { openAddress, useView } from "./view";

const REST_MS = 200;

/** The query string of exactly what is seen now. */
export function currentAddress(): string {
  return writeAddress({ ...useView.getState(), theme: useTheme.getState().theme });
}

/** Show what an address says. */
export function visit(search: string): void {
  const address = readAddress(search);
  if (address.theme !== null) showTheme(address.theme);
  openAddress(address);
}

export function useAddress(): void {
  useEffect(() => {
    let timer = 0;
    const write = (): void => history.replaceState(null, "", `${location.pathname}${currentAddress()}`);
    const writeRested = (): void => {
      window.clearTimeout(timer);
      // browsers refuse more than a hundred changes in half a minute: a drag is one change
      timer = window.setTimeout(write, REST_MS);
    };
    const read = (): void => visit(location.search);
    const stops = [useView.subscribe(writeRested), useTheme.subscribe(write)];
    window.addEventListener("popstate", read);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("popstate", read);
      for (const stop of stops) stop();
    };
  }, []);
}
