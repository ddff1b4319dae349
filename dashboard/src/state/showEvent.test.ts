import { beforeEach, expect, it } from "vitest";
import { nextEvent, type RuleEvent } from "./event";
import { eventsFrom, showEvent, useShownEvent } from "./showEvent";
import { NOWHERE } from "./url";
import { openAddress, openRange, selectSignals, useView } from "./view";

const event = (from: number): RuleEvent => ({
  id: String(from), rule: "hot", severity: "warning", description: "", key: "A.a", condition: "> 1", unit: "", worst: 2,
  range: { from, to: from }, worstAt: from, samples: 1, openStart: false, openEnd: false,
});
const events = [event(100_000), event(500_000), event(900_000)];

beforeEach(() => {
  openAddress({ ...NOWHERE, vehicle: "V" });
  openRange({ from: 0, to: 1_000_000 });
  selectSignals(["B.b"]);
  useShownEvent.setState({ id: null });
});

it("is drawn in the middle, with its signal", () => {
  showEvent(event(500_000));
  expect(useView.getState()).toMatchObject({ range: { from: 490_000, to: 510_000 }, signals: ["B.b", "A.a"] });
  showEvent(event(505_000));
  expect(useView.getState().signals).toEqual(["B.b", "A.a"]);
});

it("is followed by the next one, and by the nearest once the view is elsewhere", () => {
  showEvent(event(500_000));
  expect(nextEvent(events, eventsFrom(events), 1)).toBe(events[2]);
  expect(nextEvent(events, eventsFrom(events), -1)).toBe(events[0]);
  openRange({ from: 0, to: 50_000 });
  expect(nextEvent(events, eventsFrom(events), 1)).toBe(events[0]);
});
