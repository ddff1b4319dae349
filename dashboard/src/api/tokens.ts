/** What an issuer gave this tab: kept in its session storage, so that it ends with the tab and no other site sees it. */

export interface Tokens {
  readonly access: string;
  readonly refresh: string | null;
  readonly id: string | null;
  /** Epoch milliseconds. */
  readonly expires: number;
}

const STORED = "can-telemetry.tokens";
/** Renewed so long before it ends: a request takes its time, too. */
const EARLY_MS = 30_000;
const USUAL_S = 300;

/** The tokens of an answer of the token endpoint; what it leaves out stays as it was. Throws when there is none. */
export function readTokens(answer: unknown, now: number, before: Tokens | null = null): Tokens {
  const said = typeof answer === "object" && answer !== null ? (answer as Record<string, unknown>) : {};
  const text = (name: string): string | null => (typeof said[name] === "string" ? said[name] : null);
  const access = text("access_token");
  if (access === null) throw new Error(text("error_description") ?? text("error") ?? "the issuer sent no token");
  const seconds = Number(said.expires_in ?? USUAL_S);
  return {
    access,
    refresh: text("refresh_token") ?? before?.refresh ?? null,
    id: text("id_token") ?? before?.id ?? null,
    expires: now + (seconds > 0 ? seconds : USUAL_S) * 1000,
  };
}

export function isFresh(tokens: Tokens, now: number): boolean {
  return tokens.expires - now > EARLY_MS;
}

export function heldTokens(): Tokens | null {
  try {
    const held: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    return typeof held === "object" && held !== null && "access" in held && "expires" in held ? (held as Tokens) : null;
  } catch {
    return null;
  }
}

export function holdTokens(tokens: Tokens | null): void {
  if (tokens === null) sessionStorage.removeItem(STORED);
  else sessionStorage.setItem(STORED, JSON.stringify(tokens));
}

/** What to call whoever signed in, for their own eyes: nothing is decided by it, so nothing is verified. */
export function nameOf({ id, access }: Tokens): string {
  for (const token of [id, access]) {
    const claims = claimsOf(token);
    for (const claim of ["name", "preferred_username", "email", "username", "sub"]) {
      const value = claims[claim];
      if (typeof value === "string" && value !== "") return value;
    }
  }
  return "Signed in";
}

function claimsOf(token: string | null): Record<string, unknown> {
  try {
    const body = (token?.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
