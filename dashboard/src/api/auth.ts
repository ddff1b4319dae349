/**
 * Signing in with OpenID Connect (authorization code with PKCE), when the service asks for it: nothing of this happens
 * before it answers 401. The issuer's page is where passwords are; this one never sees any.
 */

import { create } from "zustand";
import { challengeOf, secret } from "./pkce";
import { heldTokens, holdTokens, isFresh, readTokens, type Tokens } from "./tokens";
import type { AuthConfig } from "./types";

interface SignIn {
  /** Somebody has to sign in before anything is answered. */
  readonly needed: boolean;
  /** Why the last attempt failed. */
  readonly fault: string | null;
  readonly tokens: Tokens | null;
}

export const useSignIn = create<SignIn>()(() => ({ needed: false, fault: null, tokens: heldTokens() }));

const STARTED = "can-telemetry.sign-in";

interface Started {
  readonly state: string;
  readonly verifier: string;
  /** Where to go on afterwards. */
  readonly back: string;
}

/** The issuer knows this address: it is registered with the client. */
const returnAddress = (): string => `${location.origin}/`;

function keep(tokens: Tokens | null): void {
  holdTokens(tokens);
  useSignIn.setState({ tokens });
}

let config: Promise<AuthConfig> | null = null;

/** How to sign in, as the service says. */
async function authConfig(): Promise<AuthConfig> {
  config ??= fetch("/auth-config").then(async (answer) => {
    if (!answer.ok) throw new Error(`the service does not say where to sign in (${answer.status})`);
    return (await answer.json()) as AuthConfig;
  });
  config.catch(() => (config = null));
  return config;
}

/** Go to the issuer's page; the tab comes back to where it is. */
export async function signIn(): Promise<void> {
  try {
    const { authorization_endpoint, client_id, scopes } = await authConfig();
    if (!authorization_endpoint || !client_id) throw new Error("the service asks nobody to sign in: reload the page");
    if (!window.isSecureContext) throw new Error("browsers keep keys on https:// pages only: open the dashboard by https");
    const started: Started = { state: secret(), verifier: secret(), back: location.pathname + location.search };
    sessionStorage.setItem(STARTED, JSON.stringify(started));
    const query = new URLSearchParams({
      response_type: "code", client_id, redirect_uri: returnAddress(), scope: scopes ?? "openid", state: started.state,
      code_challenge: await challengeOf(started.verifier), code_challenge_method: "S256",
    });
    location.assign(`${authorization_endpoint}?${query.toString()}`);
  } catch (error) {
    fail(error);
  }
}

/** Take what the issuer sent this tab back with, if it did; before the page is drawn. */
export async function finishSignIn(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const state = query.get("state");
  if (state === null || !(query.has("code") || query.has("error"))) return;
  const started = takeStarted();
  history.replaceState(null, "", started?.back ?? location.pathname);
  try {
    if (started?.state !== state) throw new Error("the answer is to no question of this tab: sign in again");
    const code = query.get("code");
    if (code === null) throw new Error(query.get("error_description") ?? query.get("error") ?? "the issuer refused");
    keep(await ask({ grant_type: "authorization_code", code, redirect_uri: returnAddress(), code_verifier: started.verifier }, null));
  } catch (error) {
    fail(error);
  }
}

/** Forget the tokens and all that was seen with them, and end the session at the issuer if it says how. */
export async function signOut(): Promise<void> {
  const id = useSignIn.getState().tokens?.id;
  keep(null);
  const { end_session_endpoint: end, client_id } = await authConfig().catch(() => ({ end_session_endpoint: null, client_id: null }));
  if (!end || !client_id) {
    // a page that is loaded anew remembers no answers
    location.assign(returnAddress());
    return;
  }
  // the standard's name for where to return to, and the one that Cognito uses
  const query = new URLSearchParams({ client_id, post_logout_redirect_uri: returnAddress(), logout_uri: returnAddress() });
  if (id) query.set("id_token_hint", id);
  location.assign(`${end}?${query.toString()}`);
}

/** `fetch` as whoever signed in: renews the token in time, and once more when it is refused. */
export async function authorizedFetch(path: string, init: RequestInit = {}): Promise<Response> {
  let { tokens } = useSignIn.getState();
  if (tokens && !isFresh(tokens, Date.now())) tokens = await renewed(tokens);
  let response = await fetch(path, withToken(init, tokens));
  if (response.status === 401 && tokens) {
    const { tokens: current } = useSignIn.getState();
    // another request may have renewed it meanwhile
    tokens = current && current.access !== tokens.access ? current : await renewed(tokens);
    if (tokens) response = await fetch(path, withToken(init, tokens));
  }
  if (response.status === 401) useSignIn.setState({ needed: true });
  return response;
}

function withToken(init: RequestInit, tokens: Tokens | null): RequestInit {
  if (!tokens) return init;
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${tokens.access}`);
  return { ...init, headers };
}

let renewing: Promise<Tokens | null> | null = null;

/** New tokens for old ones, or null: then somebody has to sign in. Whoever asks meanwhile gets the same. */
function renewed(old: Tokens): Promise<Tokens | null> {
  renewing ??= renew(old).finally(() => (renewing = null));
  return renewing;
}

async function renew(old: Tokens): Promise<Tokens | null> {
  let tokens: Tokens | null = null;
  try {
    if (old.refresh !== null) tokens = await ask({ grant_type: "refresh_token", refresh_token: old.refresh }, old);
  } catch {
    // it was taken back, or the issuer is away: signing in again says which
  }
  keep(tokens);
  return tokens;
}

async function ask(form: Record<string, string>, before: Tokens | null): Promise<Tokens> {
  const { token_endpoint, client_id } = await authConfig();
  if (!token_endpoint || !client_id) throw new Error("the service does not say where tokens are");
  const body = new URLSearchParams({ ...form, client_id });
  const answer = await fetch(token_endpoint, { method: "POST", body, headers: { Accept: "application/json" } });
  return readTokens(await answer.json().catch(() => null), Date.now(), before);
}

function takeStarted(): Started | null {
  try {
    const text = sessionStorage.getItem(STARTED);
    sessionStorage.removeItem(STARTED);
    return text === null ? null : (JSON.parse(text) as Started);
  } catch {
    // storage that is switched off, or somebody else's text: nothing was started
    return null;
  }
}

function fail(error: unknown): void {
  useSignIn.setState({ needed: true, fault: error instanceof Error ? error.message : String(error) });
}
