/** Following a pointer from where it went down until it is let go, or taken away by the browser. */

/** `end` is called once; nothing listens any more after that. */
export function followPointer(move: (event: PointerEvent) => void, end: () => void): void {
  const over = new AbortController();
  const finish = (): void => {
    over.abort();
    end();
  };
  const { signal } = over;
  window.addEventListener("pointermove", move, { signal });
  window.addEventListener("pointerup", finish, { signal });
  window.addEventListener("pointercancel", finish, { signal });
}
