import { expect, it } from "vitest";
import config from "../vite.config";
import { PATHS } from "./state/page";

const proxied = Object.keys((config as { server: { proxy: object } }).server.proxy);

it.each(["/vehicles", "/vehicles/EV/query", "/fleet/health", "/auth-config", "/health", "/docs"])("%s is the service's while somebody edits", (path) => {
  expect(proxied.some((prefix) => path.startsWith(prefix))).toBe(true);
});

it("the pages are the dashboard's", () => {
  expect(Object.values(PATHS).filter((path) => proxied.some((prefix) => path.startsWith(prefix)))).toEqual([]);
});
