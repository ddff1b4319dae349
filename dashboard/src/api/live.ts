/** The live tail as a hook: new samples of the chosen signals as they are decoded, while the view follows them. */

import { useEffect, useState } from "react";
import { followNewest } from "../state/view";
import { keyOf, type SignalKey } from "../state/signal";
import { queryClient, vehiclePath } from "./queries";
import type { SeriesQuery } from "./series";
import { listen, type ServerEvent } from "./sse";
import { lengthened, type Tail } from "./tail";

export type Tails = ReadonlyMap<SignalKey, Tail>;

const NONE: Tails = new Map();

interface PointsEvent {
  /** Some of them are older than what was there. */
  readonly late: boolean;
  readonly signals: readonly { readonly name: string; readonly message_name: string; readonly t: number[]; readonly v: (number | null)[] }[];
}

export function useLiveTail(query: SeriesQuery | null, live: boolean): Tails {
  const [tails, setTails] = useState<{ of: SeriesQuery; tails: Tails } | null>(null);
  useEffect(() => {
    if (!query || !live || query.signals.length === 0) return;
    const stop = new AbortController();
    let held = NONE;
    const take = ({ type, data }: ServerEvent): void => {
      const points = type === "points" ? (JSON.parse(data) as PointsEvent) : null;
      // what was answered before is not all there is: an object was written anew, or came late
      if (type === "changed" || type === "reset" || points?.late) void queryClient.invalidateQueries({ queryKey: ["series", query.vehicle] });
      if (!points || points.late) return;
      const next = new Map(held);
      let newest = -Infinity;
      for (const { name, message_name, t, v } of points.signals) {
        const key = keyOf({ message_name, signal_name: name });
        next.set(key, lengthened(next.get(key), { t, v }));
        newest = Math.max(newest, t.at(-1) ?? newest);
      }
      held = next;
      setTails({ of: query, tails: held });
      if (Number.isFinite(newest)) followNewest(newest);
    };
    const signals = query.signals.map(keyOf).map(encodeURIComponent).join(",");
    void listen(`${vehiclePath(query.vehicle)}/live?signals=${signals}`, take, stop.signal);
    return () => stop.abort();
  }, [query, live]);
  return live && tails?.of === query ? tails.tails : NONE;
}
