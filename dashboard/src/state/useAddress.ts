/** Keeps the URL and the view the same: a link shows exactly what its sender saw. */

import { useEffect } from "react";
import { readAddress, writeAddress } from "./url";
import { openAddress, useView } from "./view";

const REST_MS = 200;

export function useAddress(): void {
  useEffect(() => {
    let timer = 0;
    const write = (): void => {
      window.clearTimeout(timer);
      // browsers refuse more than a hundred changes in half a minute: a drag is one change
      timer = window.setTimeout(() => {
        history.replaceState(null, "", `${location.pathname}${writeAddress(useView.getState())}`);
      }, REST_MS);
    };
    const read = (): void => openAddress(readAddress(location.search));
    const stop = useView.subscribe(write);
    window.addEventListener("popstate", read);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("popstate", read);
      stop();
    };
  }, []);
}
