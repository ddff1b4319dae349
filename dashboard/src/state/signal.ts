/** A signal's identity: its message and its name, because two messages may use the same signal name. */

export interface SignalRef {
  readonly message_name: string;
  readonly signal_name: string;
}

/** `Message.Signal`: how a signal is written in the URL, in legends and in files. */
export type SignalKey = string;

export function keyOf(ref: SignalRef): SignalKey {
  return `${ref.message_name}.${ref.signal_name}`;
}

/** The signal that a key names, or null if it names none. DBC names hold no dot: the first one divides. */
export function refOf(key: SignalKey): SignalRef | null {
  const dot = key.indexOf(".");
  if (dot <= 0 || dot === key.length - 1) return null;
  return { message_name: key.slice(0, dot), signal_name: key.slice(dot + 1) };
}
