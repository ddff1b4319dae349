/**
 * Drags of fingers, taken from the browser. One that is left to it and ends quickly is a fling to Chromium, even where
 * `touch-action` leaves it nothing to scroll: the fling lives on for a second, and the next tap anywhere on the page ends
 * it instead of pressing what is under the finger.
 */

/** What a single finger's way up or down is for. */
type Upright = "scroll" | "ours";

/** Ask for the drags that begin in an element. Returns how to stop. */
export function takeDrags(element: HTMLElement, upright: Upright): () => void {
  let from: Touch | null = null;
  let taken: boolean | null = null;

  const start = ({ targetTouches }: TouchEvent): void => {
    if (targetTouches.length > 1) return;
    from = targetTouches[0] ?? null;
    taken = null;
  };

  const move = (event: TouchEvent): void => {
    const { targetTouches } = event;
    const now = targetTouches[0];
    // what the first step says holds until the finger is lifted: the browser does not change its mind either
    if (now && from) taken ??= upright === "ours" || targetTouches.length > 1 || along(from, now);
    if (taken && event.cancelable) event.preventDefault();
  };

  element.addEventListener("touchstart", start, { passive: true });
  element.addEventListener("touchmove", move, { passive: false });
  return () => {
    element.removeEventListener("touchstart", start);
    element.removeEventListener("touchmove", move);
  };
}

function along(from: Touch, now: Touch): boolean {
  return Math.abs(now.clientX - from.clientX) >= Math.abs(now.clientY - from.clientY);
}
