/** Every sample of a range as a file of the service: where it is, and how it comes to the disk as whoever signed in. */

import type { TimeRange } from "../state/range";
import type { SignalKey } from "../state/signal";
import { isoInstant } from "../state/time";
import { authorizedFetch } from "./auth";
import { problemOf } from "./client";
import { vehiclePath } from "./queries";

export type ExportFormat = "csv" | "parquet";

/** A link to it is enough where nobody has to sign in: the browser then streams it to the disk by itself. */
export function exportAddress(vehicle: string, signals: readonly SignalKey[], range: TimeRange, format: ExportFormat): string {
  const query = new URLSearchParams({
    start: isoInstant(range.from),
    end: isoInstant(range.to),
    signals: signals.join(","),
    format,
  });
  return `${vehiclePath(vehicle)}/export?${query.toString()}`;
}

/** Asks where a file shall go; not every browser has it. Rejects with an AbortError when nobody wants it after all. */
type Picker = (options: { suggestedName: string }) => Promise<{ createWritable: () => Promise<WritableStream<Uint8Array>> }>;

export interface Exported {
  /** What the browser made of it, where it could not be streamed to a file: to be handed over. */
  readonly content: Blob | null;
  /** Objects of the range that the service could not read. */
  readonly skipped: number;
}

/**
 * Fetch an export as whoever signed in: links carry no token. It goes straight to a file that is asked for, whatever its
 * size; a browser that cannot do that collects it first.
 *
 * @param onBytes How much is there so far.
 * @throws ApiError what the service says; an AbortError when it was given up.
 */
export async function fetchExport(address: string, name: string, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<Exported> {
  // before anything else: browsers ask only right after a click
  const picker = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  const file = await picker?.({ suggestedName: name });
  const response = await authorizedFetch(address, { signal });
  if (!response.ok || !response.body) throw await problemOf(response, address);
  const counted = response.body.pipeThrough(counting(onBytes));
  const skipped = Number(response.headers.get("Telemetry-Skipped-Objects") ?? 0);
  if (!file) return { content: await new Response(counted).blob(), skipped };
  // a stream that breaks off leaves no file: what is written is kept when it is closed
  await counted.pipeTo(await file.createWritable(), { signal });
  return { content: null, skipped };
}

function counting(onBytes: (bytes: number) => void): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  return new TransformStream({
    transform(part, controller) {
      bytes += part.byteLength;
      onBytes(bytes);
      controller.enqueue(part);
    },
  });
}
