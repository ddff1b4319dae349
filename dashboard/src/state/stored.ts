/** Small things that the browser remembers; where it may not, they last as long as the page. */

export function readStored(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`can-telemetry.${name}`) ?? "null") as unknown;
  } catch {
    // somebody else's text, or storage that is switched off
    return null;
  }
}

export function writeStored(name: string, value: unknown): void {
  try {
    localStorage.setItem(`can-telemetry.${name}`, JSON.stringify(value));
  } catch {
    // full or switched off: nothing else depends on it
  }
}
