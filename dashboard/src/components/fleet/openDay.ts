/** From a day of the fleet to its charts, as far as it was recorded: that is asked first. */

import { recordedDay } from "../../api/fleet";
import { chartsHref, openHref, usePage } from "../../state/page";

let presses = 0;

/** Of several days only the one that was pressed last opens, and none once somebody has left the page. */
export async function openDay(vehicle: string, day: number): Promise<void> {
  const mine = ++presses;
  const { page } = usePage.getState();
  const range = await recordedDay(vehicle, day);
  if (mine === presses && usePage.getState().page === page) openHref(chartsHref(vehicle, range));
}
