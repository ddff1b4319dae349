/** Finding vehicles by a part of their id, and signals by words: every word must be somewhere in what is known of one. */

import type { Signal } from "../api/types";
import { choicesOf, descriptionOf } from "./meaning";

/** The words of a search text, lower case; dots part words because they part a message from its signal. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/[\s.]+/).filter((word) => word !== "");
}

/** The signals that hold every word in their names, units, descriptions or names of values; all of them without words. */
export function matching(message: string, signals: readonly Signal[], words: readonly string[]): readonly Signal[] {
  if (words.length === 0) return signals;
  return signals.filter((signal) => {
    const labels = choicesOf(signal).map(([, label]) => label);
    const text = [`${message}.${signal.signal_name}`, signal.unit, descriptionOf(signal), ...labels].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The vehicles whose ids hold a text, in any case of its letters. */
export function named<V extends { readonly vehicle_id: string }>(vehicles: readonly V[], text: string): V[] {
  return vehicles.filter(({ vehicle_id }) => vehicle_id.toLowerCase().includes(text.toLowerCase()));
}
