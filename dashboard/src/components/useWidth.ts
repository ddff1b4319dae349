/** The width of an element in CSS pixels, without its padding; null before it is on the page. */

import { useCallback, useState, type RefCallback } from "react";

/** What the element takes as its `ref`, and its width. */
export function useWidth(): [RefCallback<HTMLElement>, number | null] {
  const [width, setWidth] = useState<number | null>(null);
  const ref = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    // the observer speaks after the first frame: what is asked for by the width need not wait for that
    setWidth(innerWidthOf(element));
    const observer = new ResizeObserver(([entry]) => setWidth(entry ? entry.contentRect.width : null));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

function innerWidthOf(element: HTMLElement): number {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  return element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
}
