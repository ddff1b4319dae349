/** What the CAN database says of a signal beside its name and unit, as far as the service knows it. */

interface Described {
  readonly signal_name: string;
  readonly description?: string | null;
  /** Names of values, by the value. */
  readonly choices?: Readonly<Record<string, string>> | null;
}

/** The database's comment; "" without one. */
export function descriptionOf(signal: Described): string {
  return signal.description ?? "";
}

/** Values and their names, by value. */
export function choicesOf(signal: Described): [number, string][] {
  return Object.entries(signal.choices ?? {})
    .map(([value, label]): [number, string] => [Number(value), label])
    .sort(([a], [b]) => a - b);
}

/** `0 Off · 1 Idle · 2 Drive`; "" for a signal whose values have no names. */
export function choicesText(signal: Described): string {
  return choicesOf(signal).map(([value, label]) => `${value} ${label}`).join(" · ");
}
