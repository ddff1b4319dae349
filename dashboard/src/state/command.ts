/** What keys can make a component do: it says how while it is on the page, and the key only says what. */

import { useEffect, useRef } from "react";

export type Command =
  | "help" | "vehicles" | "search" | "calendar" | "next session" | "previous session" | "next event" | "previous event"
  | "signals tab" | "events tab" | "overlay tab";

const handlers = new Map<Command, () => void>();

/** Do it, if something on the page knows how. */
export function runCommand(name: Command): void {
  handlers.get(name)?.();
}

/** Be the one who knows how, with what is known now. */
export function useCommand(name: Command, run: () => void): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const handler = (): void => latest.current();
    handlers.set(name, handler);
    return () => {
      if (handlers.get(name) === handler) handlers.delete(name);
    };
  }, [name]);
}
