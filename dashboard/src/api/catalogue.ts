/** Messages of a vehicle with their signals, loaded as far as somebody wants to see them. */

import { useMemo } from "react";
import type { Listed } from "../state/defaults";
import { useMessages, useSignals } from "./queries";
import type { Message } from "./types";

/** Up to this many messages are loaded at once; of a longer list the rest waits until it is opened or searched. */
const EAGER = 60;

export interface Catalogue {
  readonly messages: readonly Message[];
  /** Those of `messages` whose signals are known. */
  readonly listed: ReadonlyMap<string, Listed>;
  /** The message list and everything that was asked for is there. */
  readonly complete: boolean;
  readonly error: Error | null;
}

/**
 * The same object as long as nothing more is known.
 *
 * @param vehicle Whose messages.
 * @param wanted Messages beyond the first ones whose signals are needed; "all" when a search runs.
 */
export function useCatalogue(vehicle: string | null, wanted: ReadonlySet<string> | "all"): Catalogue {
  const { data: messages, error } = useMessages(vehicle);
  const asked = useMemo(
    () => (messages ?? []).filter(({ message_name }, i) => i < EAGER || wanted === "all" || wanted.has(message_name)),
    [messages, wanted],
  );
  const answers = useSignals(vehicle, useMemo(() => asked.map(({ message_name }) => message_name), [asked]));
  return useMemo(() => {
    const listed = new Map<string, Listed>();
    asked.forEach((message, i) => {
      const signals = answers.signals[i];
      if (signals) listed.set(message.message_name, { message, signals });
    });
    return {
      messages: messages ?? [],
      listed,
      complete: messages !== undefined && answers.complete,
      error: error ?? answers.error,
    };
  }, [messages, asked, answers, error]);
}
