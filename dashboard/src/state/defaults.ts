/** Which signals a stranger sees first. */

import type { Message, Signal } from "../api/types";
import { keyOf, type SignalKey } from "./signal";

/** Names that tell most of an electric drive, where a vehicle has them. */
const TELLING = ["Motor_RPM", "Pack_Voltage", "Pack_SOC", "Stator_Temp"];
const MESSAGES = 3;

export interface Listed {
  readonly message: Message;
  readonly signals: readonly Signal[];
}

/** The telling signals if there are any, else the first moving signal of each of the busiest messages. */
export function defaultSignals(catalogue: readonly Listed[]): SignalKey[] {
  const telling = TELLING.flatMap((name) => {
    const listed = catalogue.find(({ signals }) => signals.some((signal) => signal.signal_name === name));
    return listed ? [keyOf({ message_name: listed.message.message_name, signal_name: name })] : [];
  });
  if (telling.length > 0) return telling;
  return [...catalogue]
    .filter(({ signals }) => signals.length > 0)
    .sort((a, b) => b.message.sample_count - a.message.sample_count)
    .slice(0, MESSAGES)
    .flatMap(({ message, signals }) => {
      const signal = signals.find((other) => other.min_value !== other.max_value) ?? signals[0];
      return signal ? [keyOf({ message_name: message.message_name, signal_name: signal.signal_name })] : [];
    });
}
