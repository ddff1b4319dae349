/** Which range is asked for: the visible one at rest; while the view follows live data, which are appended, only seldom. */

import { useEffect, useRef, useState } from "react";
import type { TimeRange } from "./range";
import { useSettled } from "./useSettled";

const REST_MS = 120;
const LIVE_MS = 10_000;

export function useAsked(range: TimeRange, live: boolean): TimeRange {
  const settled = useSettled(range, REST_MS);
  const [seldom, setSeldom] = useState(settled);
  const asked = useRef(-Infinity);
  useEffect(() => {
    if (!live) return;
    const wait = Math.max(0, asked.current + LIVE_MS - performance.now());
    const timer = setTimeout(() => {
      asked.current = performance.now();
      setSeldom(settled);
    }, wait);
    return () => clearTimeout(timer);
  }, [settled, live]);
  return live ? seldom : settled;
}
