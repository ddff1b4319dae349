/** One request to the service, and its errors in the words that it sends. No caching and no hooks here. */

import { authorizedFetch } from "./auth";

const PATIENCE_MS = 60_000;

/** What the service says is wrong (application/problem+json), or that it does not answer (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly remedy: string,
  ) {
    super(detail || title);
    this.name = "ApiError";
  }

  /** Trying again may help. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Fetch JSON from the service.
 *
 * @param path Absolute path on the own origin.
 * @param options `body` makes it a POST; `signal` aborts it.
 * @throws ApiError unless it was aborted.
 */
export async function request<T>(path: string, options: { body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  const headers = new Headers({ Accept: "application/json" });
  const init: RequestInit = {
    headers,
    signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
  };
  if (options.body !== undefined) {
    headers.set("Content-Type", "application/json");
    init.method = "POST";
    init.body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await authorizedFetch(path, init);
    if (response.ok) return (await response.json()) as T;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (timeout.aborted) {
      throw new ApiError(0, "No answer in time", `${path} took longer than a minute`, "Choose a shorter range");
    }
    throw new ApiError(0, "The service does not answer", `No answer from ${location.origin}`, "Start it with: telemetry serve");
  }
  throw await problemOf(response, path);
}

/** What an answer that is not well says. */
export async function problemOf(response: Response, path: string): Promise<ApiError> {
  const said: unknown = await response.json().catch(() => null);
  const problem = typeof said === "object" && said !== null ? (said as Record<string, unknown>) : {};
  const text = (name: string, otherwise: string): string => {
    const value = problem[name];
    return typeof value === "string" && value !== "" ? value : otherwise;
  };
  return new ApiError(
    response.status,
    text("title", `Error ${response.status}`),
    text("detail", `${path} answered ${response.status} ${response.statusText}`.trim()),
    text("remedy", ""),
  );
}
