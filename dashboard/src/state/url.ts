/**
 * The view as a query string: `?v=VIN&s=Msg.Sig,Msg.Sig&from=…&to=…&live=1`, then where signals were moved to (`p`), the
 * cursors (`a`, `b`), the runs laid over (`o`, `oa`, `o0`) and the theme. Reading never throws.
 */

import { CURSORS, NO_CURSORS, type Cursors } from "./cursors";
import { MAX_RUNS, NO_OVERLAY, type Overlay, type Run } from "./overlay";
import { NOT_PLACED, type Placement } from "./placement";
import type { TimeRange } from "./range";
import { refOf, type SignalKey } from "./signal";
import type { Theme } from "./theme";
import { isoInstant, parseInstant } from "./time";

export interface Address {
  readonly vehicle: string | null;
  /** null: not said; an empty list is a choice too. */
  readonly signals: readonly SignalKey[] | null;
  readonly range: TimeRange | null;
  readonly live: boolean;
  readonly placed: Placement;
  readonly cursors: Cursors;
  readonly overlay: Overlay;
  /** null: as the reader likes it. */
  readonly theme: Theme | null;
}

/** Nothing said. */
export const NOWHERE: Address = {
  vehicle: null, signals: null, range: null, live: false,
  placed: NOT_PLACED, cursors: NO_CURSORS, overlay: NO_OVERLAY, theme: null,
};

export function readAddress(search: string): Address {
  const query = new URLSearchParams(search);
  const signals = query.get("s");
  const from = parseInstant(query.get("from") ?? "");
  const to = parseInstant(query.get("to") ?? "");
  const theme = query.get("theme");
  return {
    vehicle: query.get("v") ?? null,
    signals: signals === null ? null : [...new Set(signals.split(",").filter((key) => refOf(key) !== null))],
    range: from < to ? { from, to } : null,
    live: query.get("live") === "1",
    placed: readPlacement(query.get("p")),
    cursors: { a: readInstant(query.get("a")), b: readInstant(query.get("b")) },
    overlay: readOverlay(query),
    theme: theme === "light" || theme === "dark" ? theme : null,
  };
}

export function writeAddress(address: Address): string {
  const parts: string[] = [];
  if (address.vehicle !== null) parts.push(`v=${encodeURIComponent(address.vehicle)}`);
  if (address.signals !== null) parts.push(`s=${address.signals.map(encodeURIComponent).join(",")}`);
  if (address.range !== null) parts.push(`from=${isoInstant(address.range.from)}`, `to=${isoInstant(address.range.to)}`);
  if (address.live) parts.push("live=1");
  const placed = Object.entries(address.placed);
  if (placed.length > 0) parts.push(`p=${placed.map(([key, panel]) => `${escaped(key)}~${escaped(panel)}`).join(",")}`);
  for (const name of CURSORS) {
    const instant = address.cursors[name];
    if (instant !== null) parts.push(`${name}=${isoInstant(instant)}`);
  }
  const { runs, align, origin } = address.overlay;
  if (runs.length > 0 && origin !== null) {
    parts.push(`o=${runs.map(({ vehicle, start }) => `${escaped(vehicle)}@${isoInstant(start)}`).join(",")}`);
    parts.push(`o0=${isoInstant(origin)}`, ...(align === "clock" ? ["oa=clock"] : []));
  }
  if (address.theme !== null) parts.push(`theme=${address.theme}`);
  return parts.length > 0 ? `?${parts.join("&")}` : "";
}

/** Twice: a comma or a tilde of a name is not one between names, also when the query string is taken apart. */
const escaped = (text: string): string => encodeURIComponent(encodeURIComponent(text).replaceAll("~", "%7E"));

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
};

const readInstant = (text: string | null): number | null => {
  const instant = parseInstant(text ?? "");
  return Number.isNaN(instant) ? null : instant;
};

/** `one<mark>other` of each part of a list; a part that does not look so is left out. */
function pairs(list: string | null, mark: string): [string, string][] {
  return (list ?? "").split(",").flatMap((part): [string, string][] => {
    const [one = "", other = ""] = part.split(mark);
    return unescaped(one) === "" || other === "" ? [] : [[unescaped(one), other]];
  });
}

function readPlacement(list: string | null): Placement {
  return Object.fromEntries(
    pairs(list, "~").flatMap(([key, panel]) => (refOf(key) === null ? [] : [[key, unescaped(panel)]])),
  );
}

function readOverlay(query: URLSearchParams): Overlay {
  const origin = readInstant(query.get("o0"));
  const runs = pairs(query.get("o"), "@").flatMap(([vehicle, instant]): Run[] => {
    const start = readInstant(instant);
    return start === null ? [] : [{ vehicle, start }];
  });
  if (runs.length === 0 || origin === null) return NO_OVERLAY;
  return { runs: runs.slice(0, MAX_RUNS), align: query.get("oa") === "clock" ? "clock" : "start", origin };
}
