import { beforeEach, expect, it, vi } from "vitest";
import { usePage } from "../../state/page";
import { openDay } from "./openDay";

const DAY = Date.parse("2025-01-15T00:00:00Z");

/** What the service was asked, and how to have it answered. */
const asked: { readonly path: string; readonly answer: () => void }[] = [];
const opened: string[] = [];

beforeEach(() => {
  asked.length = opened.length = 0;
  usePage.setState({ page: "fleet" });
  vi.stubGlobal("location", { pathname: "/", search: "" });
  vi.stubGlobal("history", { pushState: (_state: unknown, _title: string, href: string) => opened.push(href) });
  vi.stubGlobal("fetch", (path: string) => new Promise((resolve) => asked.push({ path, answer: () => resolve(Response.json([])) })));
});

const answers = async (...vehicles: string[]): Promise<void> => {
  for (const vehicle of vehicles) asked.find(({ path }) => path.includes(vehicle))?.answer();
  // as many turns as an answer takes to be read and remembered
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve));
};

it("opens the day that was pressed last, whichever answer comes last", async () => {
  const both = [openDay("SLOW", DAY), openDay("QUICK", DAY)];
  await answers("QUICK", "SLOW");
  await Promise.all(both);
  expect(opened).toEqual(["/?v=QUICK&from=2025-01-15T00:00:00Z&to=2025-01-16T00:00:00Z"]);
});

it("opens nothing once somebody is on another page", async () => {
  const late = openDay("LATE", DAY);
  usePage.setState({ page: "charts" });
  await answers("LATE");
  await late;
  expect(opened).toEqual([]);
});
