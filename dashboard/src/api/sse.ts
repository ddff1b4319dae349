/** Server-sent events, taken apart: what the browser's own EventSource does, but with the headers of other requests. */

import { authorizedFetch } from "./auth";

export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Takes text as it arrives, however it is cut, and gives the events that are whole. */
export class EventParser {
  private rest = "";
  private id = "";

  push(text: string): ServerEvent[] {
    const blocks = (this.rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => this.eventOf(block));
  }

  private eventOf(block: string): ServerEvent[] {
    let type = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (field === "id") this.id = value;
      else if (field === "event") type = value;
      else if (field === "data") data.push(value);
    }
    // a comment or a field alone is no event
    return data.length > 0 ? [{ id: this.id, type, data: data.join("\n") }] : [];
  }
}

const RETRY_MS = 3000;

/**
 * Hand over the events of an address until `signal` is aborted. A connection that ends is opened again, and goes on after
 * the last event.
 */
export async function listen(path: string, take: (event: ServerEvent) => void, signal: AbortSignal): Promise<void> {
  let last = "";
  // the signal is aborted from elsewhere, while this waits
  const wanted = (): boolean => !signal.aborted;
  while (wanted()) {
    try {
      const headers = new Headers({ Accept: "text/event-stream" });
      if (last !== "") headers.set("Last-Event-ID", last);
      const response = await authorizedFetch(path, { headers, signal });
      const reader = response.ok ? response.body?.pipeThrough(new TextDecoderStream()).getReader() : undefined;
      const parser = new EventParser();
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        for (const event of parser.push(part.value)) {
          last = event.id;
          take(event);
        }
      }
    } catch {
      // away, or aborted: the loop knows which
    }
    if (wanted()) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
