/** Proof Key for Code Exchange (RFC 7636): who began to sign in is who ends it. */

const BYTES = 32;

/** Bytes as URLs carry them, without padding. */
export function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A text that nobody guesses. */
export function secret(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(BYTES)));
}

/** What the issuer is shown of a verifier first (S256). */
export async function challengeOf(verifier: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}
