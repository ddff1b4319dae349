import { describe, expect, it } from "vitest";
import { base64Url } from "./pkce";
import { isFresh, nameOf, readTokens } from "./tokens";

const now = 1_000_000;
const token = (claims: object): string =>
  `x.${base64Url(new TextEncoder().encode(JSON.stringify(claims)))}.y`;

describe("tokens", () => {
  it("are read, and keep what a renewal leaves out", () => {
    const first = readTokens({ access_token: "a", refresh_token: "r", id_token: "i", expires_in: 60 }, now);
    expect(first).toEqual({ access: "a", refresh: "r", id: "i", expires: now + 60_000 });
    expect(readTokens({ access_token: "b", expires_in: "120" }, now, first)).toEqual({ access: "b", refresh: "r", id: "i", expires: now + 120_000 });
  });

  it.each<[unknown, string]>([
    [{ error: "invalid_grant", error_description: "used before" }, "used before"], [{ error: "invalid_grant" }, "invalid_grant"],
    [null, "sent no token"], ["<html>", "sent no token"],
  ])("are missed in %j with the issuer's words", (answer, words) => {
    expect(() => readTokens(answer, now)).toThrow(words);
  });

  it("are renewed before they end", () => {
    const tokens = readTokens({ access_token: "a", expires_in: 60 }, now);
    expect(isFresh(tokens, now)).toBe(true);
    expect(isFresh(tokens, now + 31_000)).toBe(false);
  });

  it("name their bearer", () => {
    const tokens = { access: token({ sub: "42" }), refresh: null, id: token({ email: "zoë@example.org" }), expires: 0 };
    expect(nameOf(tokens)).toBe("zoë@example.org");
    expect(nameOf({ ...tokens, id: null })).toBe("42");
    expect(nameOf({ ...tokens, id: null, access: "opaque" })).toBe("Signed in");
  });
});
