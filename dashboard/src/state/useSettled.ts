/** A value that waits while it changes quickly: at once after a rest, then only when it rests again. */

import { useEffect, useRef, useState } from "react";

export function useSettled<T>(value: T, restMs: number): T {
  const [settled, setSettled] = useState(value);
  const changed = useRef(-Infinity);
  useEffect(() => {
    const now = performance.now();
    const wait = now - changed.current > restMs ? 0 : restMs;
    changed.current = now;
    const timer = setTimeout(() => setSettled(value), wait);
    return () => clearTimeout(timer);
  }, [value, restMs]);
  return settled;
}
