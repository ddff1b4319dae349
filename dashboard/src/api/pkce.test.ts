import { expect, it } from "vitest";
import { challengeOf, secret } from "./pkce";

it("makes the challenge of the standard's own example", async () => {
  expect(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

it("makes secrets that are long and never the same", () => {
  const many = new Set(Array.from({ length: 100 }, secret));
  expect(many.size).toBe(100);
  expect([...many].every((text) => /^[A-Za-z0-9_-]{43}$/.test(text))).toBe(true);
});
