/** Signals that somebody marked to find them again, for all vehicles; the browser remembers them. */

import { create } from "zustand";
import { refOf, type SignalKey } from "./signal";
import { readStored, writeStored } from "./stored";

const NAME = "favourites";

interface Favourites {
  readonly keys: readonly SignalKey[];
}

export const useFavourites = create<Favourites>()(() => ({ keys: readFavourites(readStored(NAME)) }));

/** The keys of what was stored; whatever else it holds counts for nothing. */
function readFavourites(stored: unknown): SignalKey[] {
  if (!Array.isArray(stored)) return [];
  return [...new Set(stored.filter((key): key is string => typeof key === "string" && refOf(key) !== null))];
}

export function toggleFavourite(key: SignalKey): void {
  const { keys } = useFavourites.getState();
  const next = keys.includes(key) ? keys.filter((other) => other !== key) : [...keys, key];
  useFavourites.setState({ keys: next });
  writeStored(NAME, next);
}
